Option Explicit
Option Private Module

' What has gone wrong, and why: Python that could not start, which nobody waits for twice, and cells
' that could not be computed.

Private Const MostCells As Long = 1000 ' whose reasons are kept

Private kind As String ' of Python's failure; nothing where there was none
Private detail As String
Private reasons As Collection ' the reasons of cells, by their addresses

' Python

Public Function FailureOfPython() As String
    ' Why Python cannot be used: nothing where it can, or was not asked for yet.
    Select Case kind
    Case "missing"
        FailureOfPython = Filled("failure.missing", detail)
    Case "start"
        FailureOfPython = Filled("failure.start", detail)
    Case "ended"
        FailureOfPython = Filled("failure.ended", detail)
    End Select
End Function

Public Sub RememberFailureOfPython(ByVal what As String, ByVal which As String)
    ' From now on every function answers at once. kpi-xl doctor reads it where it is saved.
    kind = what
    detail = OneLine(which)
    On Error Resume Next ' it is remembered here, whether it can be saved or not
    SaveSetting "kpi_xl", "Excel", "Failure", kind
    SaveSetting "kpi_xl", "Excel", "FailureDetail", detail
End Sub

Public Sub ForgetFailures()
    kind = ""
    detail = ""
    Set reasons = Nothing
    On Error Resume Next ' there is none where nothing has failed
    DeleteSetting "kpi_xl", "Excel", "Failure"
    DeleteSetting "kpi_xl", "Excel", "FailureDetail"
End Sub

' Cells

Public Sub NoteFailureOfCell(ByVal called As String, ByVal number As Long, ByVal description As String)
    ' The sentence of a cell that could not be computed, in the status bar and for later.
    Dim sentence As String, place As String
    On Error Resume Next ' nothing must come between the failure and the cell's error
    If HasEnded(number) Then RememberFailureOfPython "ended", called
    sentence = FailureOfPython()
    If sentence = "" Then sentence = Filled("failure.cell", called & ": " & LastLine(description))
    ShowStatus sentence
    place = FirstOf(Application.Caller)
    If place = "" Then Exit Sub
    If reasons Is Nothing Then Set reasons = New Collection
    If reasons.Count >= MostCells Then Set reasons = New Collection
    reasons.Remove place
    reasons.Add sentence, place
End Sub

Public Sub ForgetFailureOfCell()
    ' A cell that is computed has no failure any more.
    If reasons Is Nothing Then Exit Sub
    On Error Resume Next ' most reasons never had one
    reasons.Remove FirstOf(Application.Caller)
End Sub

Public Function FailureOfCell(ByVal cell As Object) As String
    ' Why a cell could not be computed: nothing for one that was.
    If reasons Is Nothing Then Exit Function
    On Error Resume Next ' VBA has no other way of asking a Collection
    FailureOfCell = reasons.Item(FirstOf(cell))
End Function

Private Function FirstOf(ByVal cell As Object) As String
    ' The address of a cell, or of the first of the block that one formula fills.
    Dim first As Object
    Set first = cell.Cells(1, 1)
    If first.HasArray Then Set first = first.CurrentArray.Cells(1, 1)
    FirstOf = first.Address(External:=True)
End Function

Public Sub ShowStatus(ByVal message As String)
    ' In the status bar: a dialogue would stop programs that open workbooks.
    On Error Resume Next ' Excel takes no appointments from a cell: the message stays
    Application.StatusBar = Left$(message, 255)
    Application.OnTime Now + TimeSerial(0, 0, 30), "'" & ThisWorkbook.Name & "'!KpiClearStatus"
End Sub

Public Function HasEnded(ByVal number As Long) As Boolean
    ' Whether an error says that the other process is not there any more.
    Select Case number
    Case 462, -2147023174, -2147023170, -2147417848
        HasEnded = True
    End Select
End Function

Public Function LastLine(ByVal text As String) As String
    ' What Python tells at the end of a traceback.
    Dim place As Long
    LastLine = Trim$(Replace(text, vbCr, ""))
    Do While Right$(LastLine, 1) = vbLf
        LastLine = Left$(LastLine, Len(LastLine) - 1)
    Loop
    place = InStrRev(LastLine, vbLf)
    LastLine = Mid$(LastLine, place + 1)
End Function

Private Function OneLine(ByVal text As String) As String
    OneLine = Trim$(Replace(Replace(text, vbCr, ""), vbLf, " "))
End Function
