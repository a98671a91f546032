"""Run a function of each workbook's VBA in LibreOffice; the answers are printed as JSON.

For the Python that LibreOffice's own modules are for: office_vba.py SOFFICE PROFILE MACRO FILE...
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException

ALWAYS = 4  # com.sun.star.document.MacroExecMode.ALWAYS_EXECUTE_NO_WARN


def main(soffice, profile, macro, *paths):
    pipe = f"kpi{abs(hash(profile))}"
    command = [soffice, f"-env:UserInstallation={Path(profile).as_uri()}", "--headless"]
    office = subprocess.Popen(
        [*command, "--norestore", f"--accept=pipe,name={pipe};urp;"], stdout=subprocess.DEVNULL
    )
    try:
        desktop = connected(pipe)
        options = [PropertyValue(Name="Hidden", Value=True)]
        options += [PropertyValue(Name="MacroExecutionMode", Value=ALWAYS)]
        options = [PropertyValue(Name="Hidden", Value=True)]
        options += [PropertyValue(Name="MacroExecutionMode", Value=ALWAYS)]
        place = f"vnd.sun.star.script:{macro}?language=Basic&location=document"
        answers = []
        for path in paths:
            url = Path(path).as_uri()
            book = desktop.loadComponentFromURL(url, "_blank", 0, tuple(options))
            answers.append(book.getScriptProvider().getScript(place).invoke((), (), ())[0])
            book.close(True)
        print(json.dumps(answers))
        desktop.terminate()
        office.wait(timeout=30)
    finally:
        office.terminate()


def connected(pipe):
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstance("com.sun.star.bridge.UnoUrlResolver")
    for _ in range(300):
        try:
            remote = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return remote.ServiceManager.createInstance("com.sun.star.frame.Desktop")
        except NoConnectException:
            time.sleep(0.2)
    raise TimeoutError("LibreOffice did not start")


if __name__ == "__main__":
    main(*sys.argv[1:])
