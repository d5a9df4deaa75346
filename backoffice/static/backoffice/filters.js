/* Keeps blank fields out of the address. */
"use strict";

const filters = document.getElementById("filterset-form");
filters?.addEventListener("formdata", ({formData}) => {
    for (const [name, value] of [...formData]) {
        if (!value) {
            formData.delete(name);
        }
    }
});
