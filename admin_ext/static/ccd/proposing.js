// Before and after while someone proposes: what differs from the record as it was when the page was opened.
(() => {
    const controlsOf = (form, name) => [...form.elements].filter((control) => control.name === name && !control.disabled);

    const valuesOf = (controls) =>
        controls.flatMap((control) => {
            if (control.type === "checkbox" || control.type === "radio") {
                return control.checked ? [control.value] : [];
            }
            return control.tagName === "SELECT" ? [...control.selectedOptions].map((option) => option.value) : [control.value.trim()];
        }).filter((value) => value !== "");

    const textOf = (controls) =>
        controls.flatMap((control) => {
            if (control.type === "checkbox" || control.type === "radio") {
                return control.checked ? [control.labels?.[0]?.textContent.trim() || "Yes"] : [];
            }
            return control.tagName === "SELECT" ? [...control.selectedOptions].filter((option) => option.value).map((option) => option.textContent.trim()) : [control.value.trim()];
        }).filter(Boolean).join(", ");

    const same = (one, other) => one.length === other.length && [...one].sort().every((value, at) => value === [...other].sort()[at]);

    const changed = (form, fields) =>
        Object.entries(fields).flatMap(([name, before]) => {
            const controls = controlsOf(form, name);
            if (!controls.length) {
                return [];
            }
            if (name.endsWith("-DELETE")) {
                return controls[0].checked ? [{ row: before.row, label: "Remove", before: before.row, after: "" }] : [];
            }
            return same(valuesOf(controls), before.values) ? [] : [{ row: before.row, label: before.label, before: before.text, after: textOf(controls) }];
        });

    const added = (form, fields, rows) => {
        const found = new Map();
        for (const control of form.elements) {
            const [, prefix, number, field] = control.name?.match(/^(.+)-(\d+)-(.+)$/) ?? [];
            const row = rows[prefix];
            if (!row || !(field in row.labels) || control.name in fields || Number(number) < Number(form.elements[`${prefix}-INITIAL_FORMS`]?.value)) {
                continue;
            }
            const after = textOf(controlsOf(form, control.name));
            const remove = form.elements[`${prefix}-${number}-DELETE`];
            if (after && !remove?.checked) {
                found.set(control.name, { row: `New ${row.title}`, label: row.labels[field], before: "", after });
            }
        }
        return [...found.values()];
    };

    const cell = (tag, text, name) => {
        const made = document.createElement(tag);
        made.textContent = text || "—";
        made.className = name || "";
        return made;
    };

    const show = (panel, lines) => {
        const body = panel.querySelector("tbody");
        body.replaceChildren(
            ...lines.map((line) => {
                const row = document.createElement("tr");
                const head = cell("th", line.label);
                head.scope = "row";
                if (line.row) {
                    head.prepend(cell("small", line.row));
                }
                row.append(head, cell("td", line.before, line.before ? "ccd-before" : ""), cell("td", line.after, line.after ? "ccd-after" : ""));
                return row;
            }),
        );
        panel.querySelector("table").hidden = !lines.length;
        panel.querySelector("[data-nothing]").hidden = Boolean(lines.length);
    };

    document.addEventListener("DOMContentLoaded", () => {
        const panel = document.getElementById("ccd-sending");
        const form = panel?.closest("form");
        if (!form) {
            return;
        }
        const { fields, rows } = JSON.parse(document.getElementById("ccd-opened").textContent);
        const look = () => show(panel, [...changed(form, fields), ...added(form, fields, rows)]);
        for (const name of ["input", "change", "formset:added", "formset:removed"]) {
            document.addEventListener(name, look);
        }
        window.django?.jQuery?.(form).on("change", look); // select2 tells jQuery alone
        panel.hidden = false;
        look();
    });
})();
