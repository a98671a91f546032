// Blank cells. Older Excels for the desktop send them as 0, newer ones and the web as null, and no
// requirement set tells which. Where a function's answer depends on it, the cells are looked at.
// The server puts this behind xlwings' own script of the functions, so it is no module.

// A function whose arguments at these places tell a blank cell from a 0.
function looked(called, places) {
  return async function (...given) {
    const doubtful = places.filter((place) => cellsOf(given[place]).includes(0));
    if (doubtful.length && !given.slice(0, -1).some(tellsBlanks)) {
      await Office.onReady();
      if (Office.context.platform !== Office.PlatformType.OfficeOnline) {
        await markBlanks(given, doubtful);
      }
    }
    return called(...given);
  };
}

function cellsOf(argument) {
  return Array.isArray(argument) ? argument.flat() : [];
}

// This Excel has sent one as null, so that it sends a 0 for a 0.
function tellsBlanks(argument) {
  return cellsOf(argument).includes(null);
}

async function markBlanks(given, doubtful) {
  const addresses = given.at(-1).parameterAddresses;
  if (!addresses) {
    throw inDoubt();
  }
  // What a formula computes has no address, and no blank cells.
  const asked = doubtful.filter((place) => addresses[place]);
  const context = new Excel.RequestContext();
  const areas = asked.map((place) => {
    const end = addresses[place].lastIndexOf("!");
    const sheet = addresses[place].slice(0, end).replace(/^'(.*)'$/, "$1").replaceAll("''", "'");
    const area = context.workbook.worksheets.getItem(sheet).getRange(addresses[place].slice(end + 1));
    area.load("valueTypes");
    return area;
  });
  try {
    await context.sync();
  } catch {
    throw inDoubt(); // another workbook, or more cells than Excel tells of at once
  }
  asked.forEach((place, number) => {
    const rows = given[place];
    const kinds = areas[number].valueTypes;
    if (kinds.length !== rows.length || kinds[0].length !== rows[0].length) {
      throw inDoubt();
    }
    given[place] = rows.map((row, r) =>
      row.map((cell, c) => (cell === 0 && kinds[r][c] === "Empty" ? null : cell)),
    );
  });
}

function inDoubt() {
  return new CustomFunctions.Error(
    CustomFunctions.ErrorCode.invalidValue,
    'This Excel sends blank cells as 0, and the cells could not be looked at: write IF(A2:A99="","",A2:A99) for A2:A99.',
  );
}
