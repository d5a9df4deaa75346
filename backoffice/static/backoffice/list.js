/* A list that the browser's Back button shows again: its ticks are there, but "all pages" no
   longer stands beside them, so it no longer holds either. */
"use strict";

window.addEventListener("pageshow", () => {
    for (const input of document.querySelectorAll("input.select-across")) {
        input.value = 0;
    }
});

/* The head of the table stays in sight, unless the table has to scroll sideways. */
{
    const results = document.querySelector("#changelist .results");
    const fit = () => results.classList.toggle("fits", results.firstElementChild.offsetWidth <= results.clientWidth);
    if (results) {
        new ResizeObserver(fit).observe(results);
    }
}

/* A panel above the list closes when another opens, by Escape, and by a click beside it. */
{
    const panels = document.querySelectorAll("#changelist details:has(> .panel)");
    const close = (panel, but) => panel !== but && !panel.querySelector(".errornote") && panel.removeAttribute("open");
    for (const panel of panels) {
        panel.addEventListener("toggle", () => panel.open && panels.forEach((each) => close(each, panel)));
        panel.addEventListener("keydown", (event) => {
            if (event.key === "Escape" && panel.open) {
                panel.open = false;
                panel.querySelector("summary").focus();
            }
        });
    }
    document.addEventListener("click", (event) => {
        panels.forEach((panel) => close(panel, event.target.closest("#changelist details:has(> .panel)")));
    });
}

/* Columns move by buttons, which number them; without scripts, people write the numbers. */
{
    const columns = document.querySelector("[data-columns]");
    const move = (button) => {
        const row = button.closest("li");
        if (button.dataset.move === "1") {
            row.nextElementSibling?.after(row);
        } else {
            row.previousElementSibling?.before(row);
        }
        columns.querySelectorAll("input[type=number]").forEach((place, index) => { place.value = index + 1; });
        button.focus();
    };
    columns?.querySelectorAll("[data-move]").forEach((button) => {
        button.hidden = false;
        button.addEventListener("click", () => move(button));
    });
    columns?.classList.add("by-buttons");
}
