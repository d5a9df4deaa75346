/* Ticks a field when its value is entered, by whatever enters it. The page works without this. */
"use strict";

{
    const form = document.getElementById("edit-form");

    const rowsOf = (of) => [...of.querySelectorAll(".edit-fields .form-row")];
    /* What the inputs of a row hold, apart from its tick. */
    const valuesOf = (row) => JSON.stringify(
        [...row.querySelectorAll("input, select, textarea")]
            .filter((input) => input.name && input.name !== "change")
            .map((input) => {
                if (input.type === "checkbox" || input.type === "radio") {
                    return input.checked;
                }
                return input.selectedOptions
                    ? [...input.selectedOptions].map((option) => option.value)
                    : input.value;
            })
    );
    // What the page came with, not what it holds now: somebody can have typed before this
    // script came. The browser knows what becomes of a select that marks no option.
    const sent = form.cloneNode(true);
    sent.reset();
    const rows = rowsOf(form);
    const known = new Map(rowsOf(sent).map((row, n) => [rows[n], valuesOf(row)]));
    const tickChanged = () => {
        for (const row of rows) {
            const values = valuesOf(row);
            if (values !== known.get(row)) {
                known.set(row, values);
                row.querySelector("input[name=change]").checked = true;
            }
        }
    };
    for (const event of ["input", "change", "focusin", "submit"]) {
        form.addEventListener(event, tickChanged);
    }
    tickChanged();
    // Autocompletion and popups tell only jQuery.
    window.django?.jQuery?.(form).on("change", tickChanged);
}
