/* Giving a value ticks its field. The page works without this. */
"use strict";

for (const row of document.querySelectorAll(".edit-fields .form-row")) {
    const tick = row.querySelector("input[name=change]");
    row.addEventListener("change", (event) => {
        if (event.target !== tick) {
            tick.checked = true;
        }
    });
}
