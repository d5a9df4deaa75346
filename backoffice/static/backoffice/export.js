/* Shows how much of an export has been downloaded, and can stop it. Exports work without this. */
"use strict";

function nameOf(response) {
    const header = response.headers.get("Content-Disposition") || "";
    const coded = header.match(/filename\*=utf-8''([^;]+)/i);
    return coded ? decodeURIComponent(coded[1]) : (header.match(/filename="([^"]+)"/) || [])[1];
}

function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function fetchFile(form, signal, tell) {
    const body = new FormData(form);
    const token = form.elements._once;
    token.value = token.value.replace(" ", "0 "); // what is asked for next is another file
    const response = await fetch(form.action, {method: "POST", body, signal});
    const name = nameOf(response);
    if (!response.ok || !name) {
        return false;
    }
    const reader = response.body.getReader();
    const parts = [];
    let bytes = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
        parts.push(part.value);
        bytes += part.value.length;
        tell(bytes);
    }
    save(new Blob(parts, {type: response.headers.get("Content-Type")}), name);
    return true;
}

function showProgress(form, box) {
    const button = form.querySelector("input[type=submit]");
    const status = box.querySelector("[role=status]");
    const bar = box.querySelector("progress");
    const stop = box.querySelector("button");
    const megabytes = box.querySelector("[data-megabytes]");
    form.addEventListener("submit", async (event) => {
        if (event.submitter && event.submitter !== button) {
            return; // it asks for a page
        }
        event.preventDefault();
        const abort = new AbortController();
        stop.onclick = () => abort.abort();
        const show = (text, running) => {
            status.textContent = text;
            button.disabled = running;
            bar.hidden = stop.hidden = !running;
        };
        box.hidden = false;
        megabytes.textContent = "0.0";
        show(box.dataset.begun, true);
        try {
            const done = await fetchFile(form, abort.signal, (bytes) => {
                megabytes.textContent = (bytes / 1e6).toFixed(1);
            });
            show(done ? box.dataset.done : "", false);
            if (!done) {
                form.submit(); // the response is a page: an error, or the sign-in
            }
        } catch {
            show(abort.signal.aborted ? box.dataset.stopped : box.dataset.failed, false);
        }
    });
}

const exportForm = document.getElementById("export-form");
if (exportForm && window.ReadableStream) {
    showProgress(exportForm, document.getElementById("export-progress"));
}
