// The task pane and the functions' JavaScript in Chromium, against a server that runs.
//
// In place of office.js, which needs Excel around it, are the real runtime of custom functions, as
// xlwings-server carries it, and a workbook made with Microsoft's office-addin-mock. Reads what to do
// from standard input as JSON, and writes what was seen.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const { address, browser: executablePath, profile, languages, queries, calls, screenshots } = JSON.parse(
  readFileSync(0, "utf8"),
);

const { OfficeApp } = require("office-addin-manifest");
const parts = ["possibleErrors", "host", "officeMockObject"].map((name) => [
  `./${name}`,
  readFileSync(require.resolve(`office-addin-mock/lib/${name}.js`), "utf8"),
]);
const modules = parts.map(
  ([name, text]) =>
    `known[${JSON.stringify(name)}] = {};
    (function (exports, require) {\n${text}\n})(known[${JSON.stringify(name)}], (n) => known[n]);`,
);

function workbook(known) {
  const { OfficeMockObject } = known["./officeMockObject"];
  const context = new OfficeMockObject(
    {
      workbook: {
        name: "Book1.xlsx",
        cell: { address: "Sheet1!B2", formulas: [[""]] },
        getActiveCell() {
          return this.cell;
        },
        selection: {
          address: "Sheet1!A2:B13",
          rowCount: 12,
          columnCount: 2,
          first: { address: "Sheet1!A2:A13" },
          second: { address: "Sheet1!B2:B13" },
          getColumn(number) {
            return number ? this.second : this.first;
          },
        },
        getSelectedRange() {
          return this.selection;
        },
        names: {
          item: {
            isNullObject: false,
            getRange() {
              return this.range;
            },
            range: {
              values: [
                ["Dates that are no dates", 3, 17, "", "Enter them as <b>dates</b>."],
                ["Amounts below 0", 0, "", "", "Look at them."],
              ],
              getOffsetRange() {
                return this;
              },
              getResizedRange() {
                return this;
              },
            },
          },
          getItemOrNullObject() {
            return this.item;
          },
        },
      },
    },
    "excel",
  );
  globalThis.mockContext = context;
  globalThis.Excel = {
    RequestContext: function () {
      return context;
    },
    run: async (work) => work(context),
  };
  globalThis.ribbon = {};
  const office = {
    ...globalThis.Office,
    onReady: async (done) => {
      const where = { host: "Excel", platform: "OfficeOnline" };
      done?.(where);
      return where;
    },
    actions: { associate: (name, action) => (globalThis.ribbon[name] = action) },
    context: {
      displayLanguage: "en-US",
      platform: "OfficeOnline",
      requirements: { isSetSupported: (name) => name !== "ExcelApi" },
    },
  };
  // The runtime looks for Excel around it, and would put its own in their place.
  Object.defineProperty(globalThis, "Office", { value: Object.freeze(office), writable: false });
  Object.freeze(globalThis.Excel);
}

// The runtime knows itself by the name of its file, so it comes from there.
const office = `for (const source of [
  document.currentScript.src.replace("office.js", "custom-functions-runtime.js"),
  "/mock.js",
]) {
  document.write("<script src='" + source + "'></" + "script>");
}`;
const mock = `(() => {
  const OfficeApp_ = ${JSON.stringify(OfficeApp)};
  const known = { "office-addin-manifest": { OfficeApp: OfficeApp_ } };
  ${modules.join("\n")}
  ${workbook}
  workbook(known);
})();`;

const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
  .concat(" --disable-background-networking --disable-component-update")
  .split(" ");
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: flags,
  viewport: { width: 360, height: 900 },
});
const seen = { errors: [], languages: {} };

async function beyond(page) {
  return page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
}

async function barriers(page) {
  await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate(() => axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

try {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  for (const [name, body] of [
    ["office.js", office],
    ["mock.js", mock],
  ]) {
    await page.route(`**/${name}`, (route) =>
      route.fulfill({ contentType: "text/javascript", body }),
    );
  }
  await page.goto(`${address}/taskpane.html`);
  await page.waitForSelector("html[data-ready]");
  seen.errorsAtStart = [...seen.errors];

  // By keyboard: search, open the first, insert it; a cell that holds something asks first.
  await page.focus("#search");
  await page.keyboard.type("cac");
  seen.found = await page.locator("#found code").allTextContents();
  await page.keyboard.press("ArrowDown");
  seen.focused = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  seen.help = await page.locator("#help").innerText();
  seen.focusedHelp = await page.evaluate(() => document.activeElement.id);
  const order = [];
  for (let i = 0; i < 7; i++) {
    await page.keyboard.press("Tab");
    order.push(
      await page.evaluate(() => {
        const { id, value, textContent } = document.activeElement;
        return value || textContent || id;
      }),
    );
  }
  seen.order = order;
  seen.typeset = await page.locator("#help math").evaluate((math) => [
    math.getAttribute("display"),
    math.querySelector("mfrac").children.length,
    getComputedStyle(math).display,
  ]);
  const inserted = async () => {
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => {
      const said = document.getElementById("inserted").textContent;
      return said && !said.endsWith("...");
    });
    const formulas = await page.evaluate(() => mockContext.workbook.cell.formulas);
    return [await page.locator("#inserted").textContent(), formulas];
  };
  seen.inserted = await inserted();
  await page.evaluate(() => (mockContext.workbook.cell.formulas = [["=1+1"]]));
  seen.occupied = await inserted();
  seen.again = await inserted();
  // The arguments from the selection: all, then one; too many columns are none.
  const answered = async (press) => {
    await press();
    await page.waitForFunction(() => !document.getElementById("inserted").textContent.endsWith("..."));
    return [await page.locator("#inserted").textContent(), await page.locator("#call").textContent()];
  };
  seen.filled = await answered(() => page.click("#fill"));
  await page.evaluate(() => (mockContext.workbook.cell.formulas = [[""]]));
  await page.focus("#insert");
  seen.insertedFilled = await inserted();
  await page.fill("#given-1", "");
  seen.emptied = await page.locator("#call").textContent();
  seen.one = await answered(() => page.click(".argument:last-of-type button"));
  await page.evaluate(() => (mockContext.workbook.selection.columnCount = 3));
  seen.misfit = await answered(() => page.click("#fill"));
  await page.focus("#help");
  await page.keyboard.press("Escape");
  seen.backAt = await page.evaluate(() => document.activeElement.textContent);

  // The data checks.
  await page.click("#look");
  await page.waitForSelector("#problems li");
  seen.problems = await page.locator("#problems").innerText();
  seen.state = await page.locator("#state").textContent();
  await page.evaluate(() => (mockContext.workbook.names.item.isNullObject = true));
  await page.click("#look");
  await page.waitForFunction(() => !document.querySelector("#problems li"));
  await page.waitForFunction(() => !document.getElementById("state").textContent.endsWith("..."));
  seen.unchecked = await page.locator("#state").textContent();

  // The reports, from the pane and from the ribbon.
  seen.ran = await page.evaluate(async () => {
    const ran = [];
    xlwings.runPython = async (how) => ran.push(how);
    for (const button of document.querySelectorAll("[data-report]")) {
      button.click();
    }
    const lines = [...document.querySelectorAll("[data-last]")];
    for (let tries = 0; tries < 100 && lines.some((line) => !line.textContent); tries++) {
      await new Promise((done) => setTimeout(done, 50));
    }
    for (const action of Object.values(ribbon)) {
      await action({ completed: () => ran.push("completed") });
    }
    return ran;
  });

  seen.last = await page.locator("[data-last]").allTextContents();

  // Each language: complete, and without a barrier that axe knows; light and dark.
  for (const language of languages) {
    await page.selectOption("#language", language);
    await page.waitForFunction((code) => document.documentElement.lang === code, language);
    const answers = {};
    for (const query of queries) {
      await page.fill("#search", query);
      answers[query] = await page.locator("#found code").allTextContents();
    }
    await page.fill("#search", "cohort");
    const listed = await page.locator("body").innerText();
    if (screenshots) {
      await page.screenshot({ path: `${screenshots}/${language}-list.png`, fullPage: true });
    }
    await page.keyboard.press("Enter");
    const found = [];
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      found.push(...(await barriers(page)));
      if (screenshots) {
        await page.screenshot({
          path: `${screenshots}/${language}-${scheme}.png`,
          fullPage: true,
        });
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    seen.languages[language] = {
      answers,
      listed,
      barriers: found,
      direction: await page.evaluate(() => getComputedStyle(document.body).direction),
      help: await page.locator("#help").innerText(),
      wide: await beyond(page),
    };
    // As narrow as a pane may be made, with a long card.
    await page.setViewportSize({ width: 240, height: 900 });
    await page.fill("#search", "clv_forecast");
    await page.keyboard.press("Enter");
    seen.languages[language].narrow = await beyond(page);
    if (screenshots) {
      await page.screenshot({ path: `${screenshots}/${language}-narrow.png`, fullPage: true });
    }
    await page.setViewportSize({ width: 360, height: 900 });
  }

  // The functions, as Excel calls them: the association of the real runtime, and an invocation.
  seen.registered = await page.evaluate(() => Object.keys(CustomFunctions._association.mappings));
  seen.results = await page.evaluate(async (calls) => {
    const results = {};
    await Promise.all(
      Object.entries(calls).map(async ([key, [name, args]]) => {
        const invocation = { address: "[Book1.xlsx]Sheet1!B2" };
        try {
          const call = CustomFunctions._association.mappings[name];
          results[key] = await call(...args, invocation);
        } catch (error) {
          results[key] = `${error.code}: ${error.message}`;
        }
      }),
    );
    return results;
  }, calls);

  // A report's answer, as xlwings shows it.
  const told = new URLSearchParams({
    prompt: "2 rows <b>\nand more",
    title: "KPI",
    buttons: "ok",
    mode: "info",
    callback: "",
  });
  await page.goto(`${address}/xlwings/alert?${told}`);
  seen.dialogue = await page.locator("main").innerText();
  seen.dialogueBarriers = await barriers(page);
  if (screenshots) {
    await page.screenshot({ path: `${screenshots}/dialogue.png` });
  }
} catch (error) {
  console.error(seen.errors.join("\n"));
  throw error;
} finally {
  await context.close();
}
console.log(JSON.stringify(seen));
