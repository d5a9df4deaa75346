/* A list that the browser's Back button shows again: its ticks are there, but "all pages" no
   longer stands beside them, so it no longer holds either. */
"use strict";

window.addEventListener("pageshow", () => {
    for (const input of document.querySelectorAll("input.select-across")) {
        input.value = 0;
    }
});
