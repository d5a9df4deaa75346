/* Updates the progress of an import, and lets a file be dropped. The pages work without it. */
"use strict";

function watchProgress(section) {
    const show = (name, value) => {
        section.querySelector(`[data-${name}]`).textContent = value;
    };
    const poll = async () => {
        const response = await fetch(section.dataset.url, {headers: {Accept: "application/json"}});
        const job = response.ok ? await response.json() : null;
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
        const bar = section.querySelector("progress");
        if (job.total) {
            bar.max = job.total;
            bar.value = Math.min(job.rows, job.total);
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
