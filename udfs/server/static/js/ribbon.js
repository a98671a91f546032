// The ribbon's buttons and the task pane's run the same reports, by the name of the Python function.
// What goes wrong is told in a dialogue, for the pane may be closed, or else in the pane.

async function runReport(name, errorDisplayMode = "alert") {
  const { token, provider } = await globalThis.getAuth();
  await xlwings.runPython({
    scriptName: name,
    auth: token,
    headers: { "Auth-Provider": provider },
    errorDisplayMode,
  });
}
globalThis.runReport = runReport;

for (const button of document.querySelectorAll("[data-report]")) {
  const name = button.dataset.report;
  Office.actions.associate(name, async (event) => {
    try {
      await runReport(name);
    } finally {
      event.completed();
    }
  });
}
