Option Explicit

' What a cell gets of a function, whatever happens. It is this host's contract:
'
' Every way out of a function assigns what Python answered, or an error. VBA gives 0 for a function
' that ends before it is assigned, which looks like a KPI; and a text in its place is skipped by SUM
' and missed by IFERROR. So each function below is one line, and Answer is its only way out:
'
' - It is an error until Python has answered.
' - In the function wizard, which would ask at every key, it is #N/A. Excel looks the same while it
'   opens a workbook: what could not be computed then is computed when it is open (KpiBinding).
' - A failure is #VALUE!. Its sentence is in the status bar, and Explain this cell says it, too
'   (KpiFailures).
' - Empty and Null, which a cell shows as 0, are #VALUE!: Python answers a blank cell as "".

Private Const NotAvailable As Long = 2042
Private Const WrongValue As Long = 2015

Private server As KpiServer

Private Function Answer(ByVal called As String, ByVal arguments As Variant) As Variant
    Answer = CVErr(NotAvailable)
    On Error GoTo failed
    If IsBusy() Then Exit Function
    If server Is Nothing Then Set server = New KpiServer
    Answer = WithErrors(server.Called(called, CellValues(arguments)))
    ForgetFailureOfCell
    Exit Function
failed:
    Answer = CVErr(WrongValue)
    NoteFailureOfCell called, Err.Number, Err.Description
End Function

Private Function IsBusy() As Boolean
    ' Whether somebody is in the function wizard, or a workbook is being opened: Excel disables its
    ' first button then.
    Dim enabled As Boolean
    enabled = True
    On Error Resume Next ' an Excel without this bar is not in the wizard
    enabled = Application.CommandBars("Standard").Controls(1).Enabled
    IsBusy = Not enabled
    If IsBusy Then NoteUncomputed
End Function

Private Function CellValues(ByVal arguments As Variant) As Variant
    ' Arguments with cells as their values: all digits of currencies, dates as numbers, and no more
    ' calls between Python and Excel. One that was left out stays left out.
    Dim position As Long
    For position = LBound(arguments) To UBound(arguments)
        If TypeName(arguments(position)) = "Range" Then
            arguments(position) = RangeValues(arguments(position))
        End If
    Next position
    CellValues = arguments
End Function

Private Function RangeValues(ByVal cells As Object) As Variant
    If cells.Areas.Count = 1 Then
        RangeValues = cells.Value2
    Else
        RangeValues = CVErr(WrongValue) ' such as (A1:A3,C1:C3), of which Value2 has the first area alone
    End If
End Function

Private Function WithErrors(ByVal result As Variant) As Variant
    ' What Python answers, a cell, a row or a block, with errors that are errors and not their texts.
    Dim row As Long, column As Long
    Select Case Dimensions(result)
    Case 0
        result = Shown(result)
    Case 1
        For column = LBound(result) To UBound(result)
            result(column) = Shown(result(column))
        Next column
    Case Else
        For row = LBound(result, 1) To UBound(result, 1)
            For column = LBound(result, 2) To UBound(result, 2)
                result(row, column) = Shown(result(row, column))
            Next column
        Next row
    End Select
    WithErrors = result
End Function

Private Function Dimensions(ByVal result As Variant) As Long
    Dim bound As Long
    If Not IsArray(result) Then Exit Function
    Dimensions = 1
    On Error Resume Next ' VBA has no other way of asking
    bound = UBound(result, 2)
    If Err.Number = 0 Then Dimensions = 2
End Function

Private Function Shown(ByVal cell As Variant) As Variant
    Shown = cell
    If IsEmpty(cell) Or IsNull(cell) Then Shown = CVErr(WrongValue)
    If VarType(cell) <> vbString Then Exit Function
    If Left$(cell, 1) <> "#" Then Exit Function
    Select Case cell
    Case "#NULL!"
        Shown = CVErr(2000)
    Case "#DIV/0!"
        Shown = CVErr(2007)
    Case "#VALUE!"
        Shown = CVErr(2015)
    Case "#REF!"
        Shown = CVErr(2023)
    Case "#NAME?"
        Shown = CVErr(2029)
    Case "#NUM!"
        Shown = CVErr(2036)
    Case "#N/A"
        Shown = CVErr(2042)
    Case "#GETTING_DATA"
        Shown = CVErr(2043)
    Case "#SPILL!"
        Shown = CVErr(2045)
    Case "#CONNECT!"
        Shown = CVErr(2046)
    Case "#BLOCKED!"
        Shown = CVErr(2047)
    Case "#UNKNOWN!"
        Shown = CVErr(2048)
    Case "#FIELD!"
        Shown = CVErr(2049)
    Case "#CALC!"
        Shown = CVErr(2050)
    End Select
End Function

' Below, one function a KPI.

