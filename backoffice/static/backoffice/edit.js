/* Ticks a field when its value is entered. The page works without this. */
"use strict";

for (const row of document.querySelectorAll(".edit-fields .form-row")) {
    const tick = row.querySelector("input[name=change]");
    row.addEventListener("change", (event) => {
        if (event.target !== tick) {
            tick.checked = true;
        }
    });
}
