Option Explicit

' What the buttons of the tab KPI call. Their names and texts are in ribbon.xml.

Private ribbon As IRibbonUI

Public Sub KpiLoaded(loaded As IRibbonUI)
    Set ribbon = loaded
End Sub

Public Sub KpiLabel(control As IRibbonControl, ByRef returnedVal)
    returnedVal = Text(control.ID & ".label")
End Sub

Public Sub KpiScreentip(control As IRibbonControl, ByRef returnedVal)
    returnedVal = Text(control.ID & ".screentip")
End Sub

Public Sub KpiSupertip(control As IRibbonControl, ByRef returnedVal)
    returnedVal = Text(control.ID & ".supertip")
End Sub

Public Sub KpiDefinition(control As IRibbonControl, ByRef returnedVal)
    returnedVal = Text(control.Tag)
End Sub

' Functions

Public Sub KpiInsert(control As IRibbonControl)
    ' The function into the active cell, with Excel's own dialogue for its arguments.
    Dim cell As Range, before As String
    On Error GoTo failed
    If TypeName(Selection) <> "Range" Then
        Say Text("insert.nowhere")
        Exit Sub
    End If
    Set cell = ActiveCell
    before = FormulaOf(cell)
    If before <> "" Then If Say(Text("insert.over"), 33) <> 1 Then Exit Sub
    SetFormula cell, "=" & control.Tag & "()"
    If Not Application.Dialogs(xlDialogFunctionWizard).Show Then SetFormula cell, before
    Exit Sub
failed:
    Say Err.Description, 48
End Sub

' Templates and reports, which are Python's

Public Sub KpiNewWorkbook(control As IRibbonControl)
    RunScript "'new_workbook', '" & control.Tag & "', '" & Language() & "'"
End Sub

Public Sub KpiScript(control As IRibbonControl)
    Dim reason As String
    If ActiveWorkbook Is Nothing Then
        Say Text("script.nowhere")
        Exit Sub
    End If
    If control.Tag = "explain_cell" And Not ActiveCell Is Nothing Then reason = FailureOfCell(ActiveCell)
    If reason <> "" Then
        Say reason, 48 ' Python has not computed the cell, and may not be there to explain it
    Else
        RunScript "'" & control.Tag & "'"
    End If
End Sub

Private Sub RunScript(ByVal arguments As String)
    Dim server As KpiServer
    StartAddin
    On Error GoTo failed
    Set server = New KpiServer
    server.RunPython "from kpi_xl.udfs import scripts; scripts.run(" & arguments & ")"
    Exit Sub
failed:
    Say Err.Description, 48
End Sub

Public Sub KpiTryAgain(control As IRibbonControl)
    ' Start Python once more, after what kept it from starting was put right, and compute everything.
    Dim server As KpiServer
    StartAddin
    ForgetFailures
    Application.StatusBar = False
    On Error GoTo failed
    Set server = New KpiServer
    server.RunPython "import kpi_xl.udfs.functions"
    Application.CalculateFull
    Say Text("again.done")
    Exit Sub
failed:
    Say Err.Description, 48
End Sub

' Help

Public Sub KpiReference(control As IRibbonControl)
    ' All functions in a new workbook, in the user's language.
    Dim rows As Long, row As Long, position As Long, called As String
    Dim cells() As Variant
    StartAddin
    On Error GoTo failed
    With ThisWorkbook.Worksheets("functions")
        rows = .UsedRange.Rows.Count
        ReDim cells(1 To rows, 1 To 4)
        cells(1, 1) = Text("reference.function")
        cells(1, 2) = Text("reference.family")
        cells(1, 3) = Text("reference.meaning")
        cells(1, 4) = Text("reference.arguments")
        For row = 2 To rows
            called = .Cells(row, 1).Value
            cells(row, 1) = .Cells(row, 4).Value
            cells(row, 2) = Text("family." & .Cells(row, 2).Value )
            cells(row, 3) = Text(called)
            cells(row, 4) = ""
            For position = 1 To .Cells(row, 3).Value
                If position > 1 Then cells(row, 4) = cells(row, 4) & vbLf
                cells(row, 4) = cells(row, 4) & Text(called & "." & position)
            Next position
        Next row
    End With
    With Workbooks.Add(xlWBATWorksheet).Worksheets(1)
        .DisplayRightToLeft = IsRightToLeft(Language())
        .Range("A1").Resize(rows, 4).NumberFormat = "@" ' the texts are texts, whatever they begin with
        .Range("A1").Resize(rows, 4).Value = cells
        .Range("A1:D1").Font.Bold = True
        .Columns("A").ColumnWidth = 40
        .Columns("B").ColumnWidth = 24
        .Columns("C:D").ColumnWidth = 70
        .Range("A1").Resize(rows, 4).WrapText = True
        .Range("A1").Resize(rows, 4).VerticalAlignment = xlTop
        .Parent.Saved = True
    End With
    Exit Sub
failed:
    Say Err.Description, 48
End Sub

Public Sub KpiLanguage(control As IRibbonControl, pressed As Boolean)
    StartAddin
    ChooseLanguage control.Tag
    If Not ribbon Is Nothing Then ribbon.Invalidate ' it is lost when VBA was reset
    DescribeFunctions
End Sub

Public Sub KpiIsLanguage(control As IRibbonControl, ByRef returnedVal)
    returnedVal = control.Tag = Language()
End Sub

Public Sub KpiAbout(control As IRibbonControl)
    Dim reason As String
    reason = FailureOfPython()
    If reason <> "" Then reason = reason & vbLf & vbLf
    Say "kpi_xl " & Setting("kpi_xl") & vbLf & "xlwings " & Setting("xlwings") & vbLf & _
        Setting("Interpreter_Win") & vbLf & ThisWorkbook.FullName & vbLf & vbLf & reason & _
        Text("about.doctor")
End Sub

' What Excel calls later

Public Sub KpiDescribeFunctions()
    DescribeFunctions
End Sub

Public Sub KpiBindWaiting()
    BindWaiting
End Sub

Public Sub KpiClearStatus()
    Application.StatusBar = False
End Sub
