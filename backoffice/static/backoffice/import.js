/* Updates the progress of an import, and lets a file be dropped. The pages work without it. */
"use strict";

function watchProgress(section) {
    const show = (name, value) => {
        section.querySelector(`[data-${name}]`).textContent = value;
    };
    let told = 0;
    const poll = async () => {
        const response = await fetch(section.dataset.url, {headers: {Accept: "application/json"}});
        if (response.status === 503) { // full, or not there: the import goes on after it
            window.setTimeout(poll, 10000);
            return;
        }
        const job = response.ok && !response.redirected ? await response.json() : null;
        if (!job || job.status !== section.dataset.status) {
            window.location.reload();
            return;
        }
        show("rows", job.rows.toLocaleString());
        show("rate", job.rate.toLocaleString());
        show("seconds", job.seconds_left ?? "");
        section.querySelector("[data-left]").hidden = job.seconds_left === null;
        section.querySelector("[data-read]").hidden = !job.is_read;
        section.querySelector("[data-worker]").hidden = !job.worker_is_missing;
        section.querySelector("[data-queue]").hidden = !job.queue_is_away;
        const bar = section.querySelector("progress");
        if (job.total) {
            bar.max = job.total;
            bar.value = Math.min(job.rows, job.total);
            const quarter = Math.floor(4 * bar.value / job.total);
            if (quarter > told) {
                told = quarter;
                announce([section.querySelector("[data-told]")]);
            }
        }
        window.setTimeout(poll, 1000);
    };
    window.setTimeout(poll, 1000);
}

function acceptDrops(form, input) {
    document.getElementById("droppable")?.removeAttribute("hidden");
    const mark = (over) => form.classList.toggle("drop", over);
    form.addEventListener("dragover", (event) => {
        event.preventDefault();
        mark(true);
    });
    form.addEventListener("dragleave", () => mark(false));
    form.addEventListener("drop", (event) => {
        event.preventDefault();
        mark(false);
        input.files = event.dataTransfer.files;
    });
}

const progress = document.getElementById("progress");
if (progress) {
    watchProgress(progress);
}
const file = document.getElementById("id_import_file");
if (file) {
    acceptDrops(file.form, file);
}

/* A live region is read aloud when its text comes, not when the page does. */
function announce(elements) {
    const said = document.getElementById("said");
    window.setTimeout(() => {
        said.textContent = [...elements].map((each) => each.textContent.trim()).join(" ");
    }, 200);
}

announce(document.querySelectorAll(".messagelist li, [data-announce], .errornote:not([hidden], [data-announce] *)"));
