// The print button; without script, printing from the browser's menu gives the same page.
for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => window.print());
}
