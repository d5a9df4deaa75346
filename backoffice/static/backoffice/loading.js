/* Says why choices could not be loaded, in pickers and in autocompletion. */
"use strict";

{
    const texts = document.currentScript.dataset;

    /* status: of the answer; 0 if there was none. Where a page came in place of data, it asks
       to sign in. */
    window.whyNotLoaded = (status) => {
        const reasons = {0: texts.unreachable, 200: texts.signedOut, 403: texts.denied, 404: texts.gone};
        return `${texts.failed} ${reasons[status] || texts.error}`;
    };

    const $ = window.django?.jQuery;
    $?.ajaxSetup({dataType: "json"}); // else the page that asks to sign in would be taken for data
    $?.(document).on("ajaxError", (event, request) => {
        if (request.statusText === "abort") {
            return;
        }
        const lines = ".select2-results__message, .select2-results__option.loading-results";
        for (const line of document.querySelectorAll(lines)) {
            line.textContent = window.whyNotLoaded(request.status);
        }
    });
}
