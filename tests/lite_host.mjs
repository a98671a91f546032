// The Python of a browser, as xlwings Lite has it: wheels by name, a JSON request in, a JSON answer
// out. What Python prints goes to the error stream.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { loadPyodide } from "pyodide";

const request = await text(process.stdin);
const python = await loadPyodide({
  env: {
    HOME: "/home/pyodide",
    XLWINGS_ON_SERVER: "true",
    XLWINGS_LICENSE_KEY: "noncommercial",
    KPI_XL_BLANKS: "null", // the calls are those of an Excel that sends blank cells as such
  },
  stdout: console.error,
  stderr: console.error,
});
for (const wheel of process.argv.slice(2)) {
  python.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
}
const hosts = readFileSync(new URL("excel_hosts.py", import.meta.url), "utf8");
python.FS.writeFile("/home/pyodide/excel_hosts.py", hosts);
python.globals.set("request", request);
try {
  process.stdout.write(
    await python.runPythonAsync("import excel_hosts\nawait excel_hosts.lite(request)"),
  );
} catch (error) {
  console.error(error.message); // not the lines of Pyodide's own source that Node would show
  process.exitCode = 1;
}
