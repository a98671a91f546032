Option Explicit
Option Private Module

' Formulas that another program, or Excel on another machine, wrote: Excel shows #NAME? for their
' functions, or asks for the add-in at its old place, until they are pointed at this add-in or
' entered once more.
'
' It is done after the workbook has been opened, because Excel computes none of our functions before
' (KpiFunctions); and what it could not compute then is entered once more, too.

Private waiting As Collection ' the names of workbooks that have been opened
Private uncomputed As Collection ' the names of workbooks in which functions were asked too early

Public Sub BindLater(ByVal book As Workbook)
    ' As soon as Excel is ready.
    If waiting Is Nothing Then Set waiting = New Collection
    waiting.Add book.Name
    On Error GoTo unready
    Application.OnTime Now, "'" & ThisWorkbook.Name & "'!KpiBindWaiting"
    Exit Sub
unready:
    ShowStatus Filled("binding.missed", book.Name & ": " & Err.Description)
End Sub

Public Sub BindWaiting()
    Dim book As Workbook
    If waiting Is Nothing Then Exit Sub
    Do While waiting.Count > 0
        Set book = OpenWorkbook(waiting.Item(1))
        waiting.Remove 1
        If Not book Is Nothing Then BindFormulas book
    Loop
End Sub

Private Function OpenWorkbook(ByVal called As String) As Workbook
    On Error Resume Next ' it may have been closed meanwhile
    Set OpenWorkbook = Application.Workbooks(called)
End Function

Public Sub NoteUncomputed()
    ' A function of the calling cell's workbook was asked while it could not be computed.
    Dim called As String
    On Error Resume Next ' the name is there already, or no cell calls
    If uncomputed Is Nothing Then Set uncomputed = New Collection
    called = Application.Caller.Worksheet.Parent.Name
    If called <> "" Then uncomputed.Add called, called
End Sub

Private Function WasUncomputed(ByVal book As Workbook) As Boolean
    ' Asked once for each opening of a workbook.
    If uncomputed Is Nothing Then Exit Function
    On Error Resume Next ' VBA has no other way of asking a Collection
    WasUncomputed = uncomputed.Item(book.Name) <> ""
    uncomputed.Remove book.Name
End Function

Private Sub BindFormulas(ByVal book As Workbook)
    ' Only where something is not bound or not computed; the rest of the workbook stays as it is.
    Dim mode As Long, screen As Boolean, reacts As Boolean, grows As Boolean, wasSaved As Boolean
    Dim missed As String
    If book.IsAddin Then Exit Sub
    On Error GoTo unreadable
    If IsForOfficeAddIn(book) Then Exit Sub
    If StaleLinks(book).Count = 0 And Not WasUncomputed(book) Then If Not HasUnbound(book) Then Exit Sub
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
    KeepQuiet book
restore:
    On Error GoTo unreadable
    Application.AutoCorrect.AutoFillFormulasInLists = grows
    Application.Calculation = mode
    ' Some were entered before those that they depend on.
    If mode = xlCalculationManual Then
        ComputeAgain book
    Else
        Application.Calculate
    End If
    Application.EnableEvents = reacts
    Application.ScreenUpdating = screen
    If wasSaved Then book.Saved = True ' binding is no change that the user made
    If missed <> "" Then ShowStatus Filled("binding.missed", book.Name & ":" & missed)
    Exit Sub
failed:
    missed = missed & " " & Err.Description
    Resume restore
unreadable:
    ShowStatus Filled("binding.missed", book.Name & ": " & Err.Description)
End Sub

Private Function IsForOfficeAddIn(ByVal book As Workbook) As Boolean
    ' Whether xlwings Lite or a server computes the workbook: functions that were entered with this
    ' add-in loaded are this one's for good, and the Office add-in does not find them any more.
    Dim item As Object
    For Each item In book.CustomDocumentProperties
        If item.Name = "kpi_xl host" Then IsForOfficeAddIn = True
    Next item
    If Not IsForOfficeAddIn Then
        IsForOfficeAddIn = InStr(EndOfFile(book.FullName), "xl/webextensions/") > 0
    End If
End Function

Private Function EndOfFile(ByVal path As String) As String
    ' The last bytes of a file, as letters: a workbook lists its parts there. Nothing where it cannot be
    ' read, such as one on a server.
    Const Most As Long = 65536
    Dim number As Long, length As Long
    Dim bytes() As Byte
    On Error GoTo unread
    number = FreeFile
    Open path For Binary Access Read Shared As #number
    length = LOF(number)
    If length > Most Then length = Most
    If length > 0 Then
        ReDim bytes(0 To length - 1)
        Get #number, LOF(number) - length + 1, bytes
        EndOfFile = StrConv(bytes, vbUnicode)
    End If
    Close #number
unread:
End Function

Public Sub KeepQuiet(ByVal book As Workbook)
    ' Where this add-in is the workbook's only link, Excel is not to ask about links when it is opened
    ' on another machine: this add-in sees to its own. Also at each save: what was typed, or made from a
    ' template by a button, has had no binding.
    Dim links As Variant
    links = book.LinkSources(xlExcelLinks)
    If IsEmpty(links) Then Exit Sub
    If UBound(links) > LBound(links) Then Exit Sub
    If FileName(links(LBound(links))) = FileName(ThisWorkbook.FullName) Then
        book.UpdateLinks = xlUpdateLinksNever
    End If
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
        If Not IsPointedHere(book, link) Then PointHere = PointHere & " " & link
    Next link
End Function

Private Function IsPointedHere(ByVal book As Workbook, ByVal link As String) As Boolean
    On Error GoTo failed
    book.ChangeLink link, ThisWorkbook.FullName, xlLinkTypeExcelLinks
    IsPointedHere = True
failed:
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

Private Function KpiCells(ByVal book As Workbook) As Collection
    ' The cells whose formulas call functions of this add-in.
    Dim sheet As Worksheet, formulas As Range, cell As Range
    Dim found As New Collection
    Set KpiCells = found
    For Each sheet In book.Worksheets
        Set formulas = FormulaCells(sheet, xlErrors + xlLogical + xlNumbers + xlTextValues)
        If Not formulas Is Nothing Then
            For Each cell In formulas
                If cell.HasFormula Then If CallsKpi(cell.Formula) Then found.Add cell
            Next cell
        End If
    Next sheet
End Function

Private Function EnterAgain(ByVal book As Workbook) As String
    ' Enter every KPI's formula once more, which computes it; the cells that could not be.
    Dim cell As Variant
    For Each cell In KpiCells(book)
        If Not IsEntered(cell) Then EnterAgain = EnterAgain & " " & cell.Worksheet.Name & "!" & _
            cell.Address(False, False)
    Next cell
End Function

Private Sub ComputeAgain(ByVal book As Workbook)
    ' Where the user computes by hand, our own cells alone.
    Dim cell As Variant
    For Each cell In KpiCells(book)
        cell.Calculate
    Next cell
End Sub

Private Function IsEntered(ByVal cell As Object) As Boolean
    ' Whether a formula could be entered. Where the cell is locked, it is computed, at least, which is
    ' enough for one that is bound. (Err is not asked: what is entered is computed by other code here.)
    On Error GoTo locked
    EnterCell cell
    IsEntered = True
    Exit Function
locked: ' or an array of more than 255 characters
    IsEntered = IsComputed(cell)
End Function

Private Function IsComputed(ByVal cell As Object) As Boolean
    On Error GoTo failed
    cell.Calculate
    IsComputed = True
    If IsError(cell.Value) Then IsComputed = cell.Value <> CVErr(xlErrName)
failed:
End Function

Private Sub EnterCell(ByVal cell As Object)
    ' The cell is an Object because older Excels, which compile this too, know no Formula2.
    If HasDynamicArrays() Then
        If cell.HasSpill Then
            If cell.SpillParent.Address <> cell.Address Then Exit Sub
        ElseIf IsBlock(cell) Then
            EnterArray cell
            Exit Sub
        End If
    ElseIf cell.HasArray Then
        EnterArray cell
        Exit Sub
    End If
    SetFormula cell, WithoutSigns(FormulaOf(cell))
End Sub

Private Function IsBlock(ByVal cell As Object) As Boolean
    ' Whether a formula was entered over several cells. One of a single cell that could spill may be
    ' called an array as well: entered as one, it could never spill again.
    If cell.HasArray Then IsBlock = cell.CurrentArray.Count > 1
End Function

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
