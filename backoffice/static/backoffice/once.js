/* Says that a form is being sent, and sends it once. The server keeps to that without this, too. */
"use strict";

{
    const {working} = document.currentScript.dataset;
    const COMES_BACK = 10000; // ms: it was stopped, or the answer is a file

    const buttonsOf = (form) => form.querySelectorAll("[type=submit], button:not([type])");

    function rest(form) {
        for (const button of buttonsOf(form)) {
            if ("label" in button.dataset) {
                button[button.matches("input") ? "value" : "textContent"] = button.dataset.label;
                delete button.dataset.label;
            }
            if ("atWork" in button.dataset) {
                button.disabled = false;
                delete button.dataset.atWork;
            }
        }
        form.removeAttribute("aria-busy");
    }

    function work(form, pressed) {
        if (pressed) {
            const property = pressed.matches("input") ? "value" : "textContent";
            if (pressed.matches("input") || !pressed.children.length) {
                pressed.dataset.label = pressed[property];
                pressed[property] = working;
            }
        }
        for (const button of buttonsOf(form)) {
            if (!button.disabled) {
                button.disabled = true;
                button.dataset.atWork = "";
            }
        }
        window.setTimeout(rest, COMES_BACK, form);
    }

    window.addEventListener("submit", (event) => {
        const form = event.target;
        if (event.defaultPrevented || form.getAttribute("method") !== "post") {
            return;
        }
        if (form.hasAttribute("aria-busy")) {
            event.preventDefault(); // the second click
            return;
        }
        form.setAttribute("aria-busy", "true");
        // Afterwards: a disabled button would not be sent.
        window.setTimeout(work, 0, form, event.submitter);
    });

    window.addEventListener("pageshow", () => {
        document.querySelectorAll("form[aria-busy]").forEach(rest);
    });
}
