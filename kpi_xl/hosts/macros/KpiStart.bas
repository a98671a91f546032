Option Explicit
Option Private Module

' The add-in's start, its settings and its texts. The texts are in cells, because VBA code holds
' only the letters of one code page.

Private events As KpiEvents
Private textsOfLanguage As Collection
Private functionList As String
Private settings As Collection

Public Sub StartAddin()
    ' Watches for workbooks; those that are open already are seen to as well.
    Dim book As Workbook
    If Not events Is Nothing Then Exit Sub
    Set events = New KpiEvents
    ForgetFailures ' of an Excel before this one
    For Each book In Application.Workbooks
        BindLater book
    Next book
    ' Excel is to be ready first: naming the functions takes a moment.
    Application.OnTime Now, "'" & ThisWorkbook.Name & "'!KpiDescribeFunctions"
End Sub

Public Function Setting(ByVal key As String) As String
    ' A value of the sheet that kpi-xl install wrote; nothing where it has none.
    If settings Is Nothing Then Set settings = KeyedColumn("kpi_xl.conf", 2)
    On Error Resume Next ' VBA has no other way of asking a Collection
    Setting = settings.Item(key)
End Function

Public Function IsKpi(ByVal called As String) As Boolean
    ' Whether a name is that of a function of this add-in.
    Dim row As Long
    If functionList = "" Then
        functionList = ";"
        With ThisWorkbook.Worksheets("functions")
            For row = 2 To .UsedRange.Rows.Count
                functionList = functionList & .Cells(row, 1).Value & ";"
            Next row
        End With
    End If
    If Len(called) > 1 Then IsKpi = InStr(functionList, ";" & UCase$(called) & ";") > 0
End Function

' The languages

Public Function Language() As String
    ' That which the user has chosen, or Excel's own, or English.
    Dim excels As Long
    Language = GetSetting("kpi_xl", "Excel", "Language")
    If Language <> "" Then If LanguageColumn(Language) > 0 Then Exit Function
    excels = Application.LanguageSettings.LanguageID(2) ' of the user interface
    Language = LanguageOf(excels)
End Function

Public Sub ChooseLanguage(ByVal code As String)
    SaveSetting "kpi_xl", "Excel", "Language", code
    Set textsOfLanguage = Nothing
End Sub

Public Function Text(ByVal key As String) As String
    ' The text of a key, in the user's language.
    If textsOfLanguage Is Nothing Then Set textsOfLanguage = KeyedColumn("texts", LanguageColumn(Language()))
    Text = textsOfLanguage.Item(key)
End Function

Public Function Filled(ByVal key As String, ByVal value As String) As String
    ' A text with a value in its place.
    Filled = Replace(Text(key), "{}", value)
End Function

Private Function KeyedColumn(ByVal sheetName As String, ByVal number As Long) As Collection
    ' A column of a sheet, by the keys in the first.
    Dim keys As Variant, values As Variant, row As Long, last As Long
    Dim found As New Collection
    With ThisWorkbook.Worksheets(sheetName)
        last = .UsedRange.Rows.Count
        keys = .Range(.Cells(1, 1), .Cells(last, 1)).Value
        values = .Range(.Cells(1, number), .Cells(last, number)).Value
    End With
    For row = 2 To last
        found.Add CStr(values(row, 1)), CStr(keys(row, 1))
    Next row
    Set KeyedColumn = found
End Function

Private Function LanguageColumn(ByVal code As String) As Long
    ' Where the texts of a language are; 0 where there are none.
    Dim number As Long
    With ThisWorkbook.Worksheets("texts")
        For number = 2 To .UsedRange.Columns.Count
            If .Cells(1, number).Value = code Then LanguageColumn = number
        Next number
    End With
End Function

Public Function Say(ByVal message As String, Optional ByVal buttons As Long = 64) As Long
    ' A message in any script, which MsgBox cannot show; the number of the button pressed.
    Const InFront As Long = 65536
    Say = CreateObject("WScript.Shell").Popup(message, 0, "kpi_xl", buttons + InFront)
End Function

' The help of the function wizard

Public Sub DescribeFunctions()
    ' Excel takes descriptions only for a workbook that it shows, so the add-in is one for a moment.
    ' Where it takes none, the functions keep their English ones: no reason to speak at each start.
    Dim row As Long, screen As Boolean, reacts As Boolean
    screen = Application.ScreenUpdating
    reacts = Application.EnableEvents
    On Error Resume Next
    Application.ScreenUpdating = False
    Application.EnableEvents = False
    ThisWorkbook.IsAddin = False
    With ThisWorkbook.Worksheets("functions")
        For row = 2 To .UsedRange.Rows.Count
            DescribeFunction .Cells(row, 1).Value, .Cells(row, 2).Value, .Cells(row, 3).Value
        Next row
    End With
    ThisWorkbook.IsAddin = True
    ThisWorkbook.Saved = True
    Application.EnableEvents = reacts
    Application.ScreenUpdating = screen
End Sub

Private Sub DescribeFunction(ByVal called As String, ByVal family As String, ByVal count As Long)
    Dim position As Long, macro As String, category As String
    Dim arguments() As String
    macro = "'" & ThisWorkbook.Name & "'!" & called
    category = Text("family." & family)
    If count = 0 Then
        Application.MacroOptions Macro:=macro, Description:=Text(called), Category:=category
        Exit Sub
    End If
    ReDim arguments(1 To count)
    For position = 1 To count
        arguments(position) = Text(called & "." & position)
    Next position
    Application.MacroOptions Macro:=macro, Description:=Text(called), Category:=category, _
        ArgumentDescriptions:=arguments
End Sub
