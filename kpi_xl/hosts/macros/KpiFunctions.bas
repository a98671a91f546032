Option Explicit

Private server As KpiServer

Private Function XLPy() As Object
    If server Is Nothing Then Set server = New KpiServer
    Set XLPy = server.XLPy()
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
        RangeValues = CVErr(2015) ' such as (A1:A3,C1:C3), of which Value2 has the first area alone
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

' Below, one function a KPI: written by xlwings.

