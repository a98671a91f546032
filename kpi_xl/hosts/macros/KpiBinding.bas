Option Explicit
Option Private Module

' Formulas that another program, or Excel on another machine, wrote: Excel shows #NAME? for their
' functions, or asks for the add-in at its old place, until they are pointed at this add-in or
' entered once more.

Public Sub BindFormulas(ByVal book As Workbook)
    ' Only where something is not bound; the rest of the workbook stays as it is.
    Dim mode As Long, screen As Boolean, reacts As Boolean, grows As Boolean, wasSaved As Boolean
    Dim missed As String
    If book.IsAddin Then Exit Sub
    On Error GoTo unreadable
    If StaleLinks(book).Count = 0 And Not HasUnbound(book) Then Exit Sub
    mode = Application.Calculation
    screen = Application.ScreenUpdating
    reacts = Application.EnableEvents
    grows = Application.AutoCorrect.AutoFillFormulasInLists
    wasSaved = book.Saved
    On Error GoTo failed
    Application.ScreenUpdating = False
    Application.EnableEvents = False
    Application.Calculation = xlCalculationManual
    Application.AutoCorrect.AutoFillFormulasInLists = False ' what the user has in a column stays
    missed = PointHere(book)
    missed = missed & EnterAgain(book)
restore:
    On Error GoTo unreadable
    Application.AutoCorrect.AutoFillFormulasInLists = grows
    Application.Calculation = mode
    Application.EnableEvents = reacts
    Application.ScreenUpdating = screen
    If wasSaved Then book.Saved = True ' binding is no change that the user made
    If missed <> "" Then ShowStatus Filled("binding.missed", book.Name & ":" & missed)
    Exit Sub
failed:
    missed = " " & Err.Description
    Resume restore
unreadable:
    ShowStatus Filled("binding.missed", book.Name & ": " & Err.Description)
End Sub

Private Sub ShowStatus(ByVal message As String)
    ' For half a minute: a dialogue would stop programs that open workbooks.
    Application.StatusBar = Left$(message, 255)
    Application.OnTime Now + TimeSerial(0, 0, 30), "'" & ThisWorkbook.Name & "'!KpiClearStatus"
End Sub

Private Function StaleLinks(ByVal book As Workbook) As Collection
    ' Links to this add-in at another place.
    Dim links As Variant, link As Variant
    Dim found As New Collection
    Set StaleLinks = found
    links = book.LinkSources(xlExcelLinks)
    If IsEmpty(links) Then Exit Function
    For Each link In links
        If IsStale(link, ThisWorkbook.FullName) Then found.Add link
    Next link
End Function

Public Function IsStale(ByVal link As String, ByVal here As String) As Boolean
    ' Whether a link names this add-in's file in another folder.
    If FileName(link) = FileName(here) Then IsStale = LCase$(link) <> LCase$(here)
End Function

Private Function FileName(ByVal path As String) As String
    Dim place As Long
    place = InStrRev(Replace(path, "/", "\"), "\")
    FileName = LCase$(Mid$(path, place + 1))
End Function

Private Function PointHere(ByVal book As Workbook) As String
    ' Point stale links at this add-in; what could not be, which Excel refuses on protected sheets.
    Dim link As Variant
    For Each link In StaleLinks(book)
        On Error Resume Next
        book.ChangeLink link, ThisWorkbook.FullName, xlLinkTypeExcelLinks
        If Err.Number <> 0 Then PointHere = PointHere & " " & link
        On Error GoTo 0
    Next link
End Function

Private Function HasUnbound(ByVal book As Workbook) As Boolean
    ' Whether a KPI shows #NAME?, or the workbook is a template that Excel has never linked to us:
    ' an empty one shows no errors yet.
    Dim sheet As Worksheet, found As Range, cell As Range
    If IsTemplate(book) And Not IsLinked(book) Then
        HasUnbound = True
        Exit Function
    End If
    For Each sheet In book.Worksheets
        Set found = FormulaCells(sheet, xlErrors)
        If Not found Is Nothing Then
            For Each cell In found
                If IsError(cell.Value) Then
                    If cell.Value = CVErr(xlErrName) Then HasUnbound = CallsKpi(cell.Formula)
                    If HasUnbound Then Exit Function
                End If
            Next cell
        End If
    Next sheet
End Function

Private Function IsTemplate(ByVal book As Workbook) As Boolean
    Dim item As Object
    For Each item In book.CustomDocumentProperties
        If item.Name = "kpi_xl template" Then IsTemplate = True
    Next item
End Function

Private Function IsLinked(ByVal book As Workbook) As Boolean
    Dim links As Variant, link As Variant
    links = book.LinkSources(xlExcelLinks)
    If IsEmpty(links) Then Exit Function
    For Each link In links
        If FileName(link) = FileName(ThisWorkbook.FullName) Then IsLinked = True
    Next link
End Function

Private Function FormulaCells(ByVal sheet As Worksheet, ByVal kinds As Long) As Range
    ' The cells with formulas of these kinds of values; on a protected sheet, all that are in use.
    If sheet.ProtectContents Then
        Set FormulaCells = sheet.UsedRange
        Exit Function
    End If
    On Error Resume Next ' Excel raises an error where there are none
    Set FormulaCells = sheet.UsedRange.SpecialCells(xlCellTypeFormulas, kinds)
End Function

Private Function EnterAgain(ByVal book As Workbook) As String
    ' Enter every KPI's formula once more; the cells that could not be.
    Dim sheet As Worksheet, found As Range, cell As Range
    For Each sheet In book.Worksheets
        Set found = FormulaCells(sheet, xlErrors + xlLogical + xlNumbers + xlTextValues)
        If Not found Is Nothing Then
            For Each cell In found
                If cell.HasFormula Then
                    If CallsKpi(cell.Formula) Then
                        On Error Resume Next ' a locked cell, or an array of more than 255 characters
                        EnterCell cell
                        If Err.Number <> 0 Then EnterAgain = EnterAgain & " " & sheet.Name & "!" & _
                            cell.Address(False, False)
                        On Error GoTo 0
                    End If
                End If
            Next cell
        End If
    Next sheet
End Function

Private Sub EnterCell(ByVal cell As Object)
    ' The cell is an Object because older Excels, which compile this too, know no Formula2.
    If HasDynamicArrays() Then
        If cell.HasSpill Then
            If cell.SpillParent.Address <> cell.Address Then Exit Sub
        ElseIf cell.HasArray Then
            EnterArray cell
            Exit Sub
        End If
    ElseIf cell.HasArray Then
        EnterArray cell
        Exit Sub
    End If
    SetFormula cell, WithoutSigns(FormulaOf(cell))
End Sub

Private Sub EnterArray(ByVal cell As Object)
    ' An array that was entered over a block is entered over it again, from its first cell.
    If cell.CurrentArray.Cells(1, 1).Address = cell.Address Then
        cell.CurrentArray.FormulaArray = cell.FormulaArray
    End If
End Sub

Public Function FormulaOf(ByVal cell As Object) As String
    ' A cell's formula or constant, as SetFormula takes it back.
    If HasDynamicArrays() Then FormulaOf = cell.Formula2 Else FormulaOf = cell.Formula
    If cell.HasFormula Then Exit Function
    If VarType(cell.Value) = vbString Then FormulaOf = "'" & FormulaOf ' also one such as =1+1 or 007
End Function

Public Sub SetFormula(ByVal cell As Object, ByVal formula As String)
    ' A formula that spills where Excel can.
    If HasDynamicArrays() Then cell.Formula2 = formula Else cell.Formula = formula
End Sub

Private Function HasDynamicArrays() As Boolean
    Static known As Boolean, has As Boolean
    Dim cell As Object
    If Not known Then
        Set cell = ThisWorkbook.Worksheets(1).Range("A1")
        known = True
        On Error Resume Next ' an older Excel has no such property
        has = Len(cell.Formula2) >= 0
    End If
    HasDynamicArrays = has
End Function

Public Function CallsKpi(ByVal formula As String) As Boolean
    ' Whether a formula calls a function of this add-in.
    Dim place As Long
    place = InStr(formula, "(")
    Do While place > 0 And Not CallsKpi
        CallsKpi = IsKpi(NameBefore(formula, place))
        place = InStr(place + 1, formula, "(")
    Loop
End Function

Private Function NameBefore(ByVal formula As String, ByVal place As Long) As String
    ' The name that ends before a place.
    Dim start As Long
    start = place
    Do While start > 1
        If Not (Mid$(formula, start - 1, 1) Like "[A-Za-z0-9_.]") Then Exit Do
        start = start - 1
    Loop
    NameBefore = Mid$(formula, start, place - start)
End Function

Public Function WithoutSigns(ByVal formula As String) As String
    ' A formula without the @ that Excel puts before functions which it did not know to spill.
    Dim place As Long, called As String
    WithoutSigns = formula
    place = InStr(formula, "(")
    Do While place > 0
        called = NameBefore(WithoutSigns, place)
        If place > Len(called) + 1 And IsKpi(called) Then
            If Mid$(WithoutSigns, place - Len(called) - 1, 1) = "@" Then
                place = place - 1
                WithoutSigns = Left$(WithoutSigns, place - Len(called) - 1) & _
                    Mid$(WithoutSigns, place - Len(called) + 1)
            End If
        End If
        place = InStr(place + 1, WithoutSigns, "(")
    Loop
End Function
