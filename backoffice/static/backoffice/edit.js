/* Ticks a field when its value is entered, by whatever enters it. The page works without this. */
"use strict";

{
    const form = document.getElementById("edit-form");

    const chosen = (select) => [...select.selectedOptions].map((option) => option.value);
    const sent = (select) => {
        const marked = [...select.options].filter((option) => option.defaultSelected);
        // Where the page marks none, the browser chooses the first of a list for one.
        return (marked.length || select.multiple ? marked : [...select.options].slice(0, 1))
            .map((option) => option.value);
    };
    /* What the inputs of a row hold, or held as the page came; apart from the row's tick. */
    const valuesOf = (row, asSent) => JSON.stringify(
        [...row.querySelectorAll("input, select, textarea")]
            .filter((input) => input.name && input.name !== "change")
            .map((input) => {
                if (input.type === "checkbox" || input.type === "radio") {
                    return asSent ? input.defaultChecked : input.checked;
                }
                if (input.selectedOptions) {
                    return asSent ? sent(input) : chosen(input);
                }
                return asSent ? input.defaultValue : input.value;
            })
    );
    const rows = [...document.querySelectorAll(".edit-fields .form-row")];
    // Not what they hold now: somebody can have typed before this script came.
    const known = new Map(rows.map((row) => [row, valuesOf(row, true)]));
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
