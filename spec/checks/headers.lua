-- headers: what the public headers promise to programs in other languages.
--
--   names          No function, constant or macro differs from another one by case only: some languages ignore case.
--   parameters     No parameter has a keyword of another language as its name: bindings take the names over.
--   version        What repeats the version or the soname's number says the same as include/cleat/version.h and
--                  CMakeLists.txt.
--   interrupted    Every function that can wait is interrupted in spec/c (test_interrupt.c, test_interrupt_names.c).
--   cancellation   Every function that locks, allocates, pins an object or waits disables cancellation
--                  (core/base/cancel.h).

local root = os.getenv "CLEAT_SOURCE_DIR" or "."
package.path = root .. "/script/?.lua;" .. package.path
local headers = require "generator.headers"
local meaning = require "generator.meaning"

-- Older names that stay in the ABI beside a better one.
local ALIASES = { CLEAT_ABI_VERSION = "CLEAT_ABI" }

local KEYWORDS = {
    Ada = [[abort abs abstract accept access aliased all and array at begin body case constant declare delay delta digits
        do else elsif end entry exception exit for function generic goto if in interface is limited loop mod new not null
        of or others out overriding package parallel pragma private procedure protected raise range record rem renames
        requeue return reverse select separate some subtype synchronized tagged task terminate then type until use when
        while with xor]],
    C = [[auto break case char const continue default do double else enum extern float for goto if inline int long
        register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
        alignas alignof bool constexpr false nullptr static_assert thread_local true typeof]],
    ["C++"] = [[asm catch class concept const_cast consteval constinit co_await co_return co_yield decltype delete
        dynamic_cast explicit export friend mutable namespace new noexcept not operator or private protected public
        reinterpret_cast requires static_cast template this throw try typeid typename using virtual and bitand bitor
        compl not_eq or_eq xor xor_eq and_eq]],
    ["C#"] = [[abstract as base bool break byte case catch char checked class const continue decimal default delegate do
        double else enum event explicit extern false finally fixed float for foreach goto if implicit in int interface
        internal is lock long namespace new null object operator out override params private protected public readonly
        ref return sbyte sealed short sizeof stackalloc static string struct switch this throw true try typeof uint ulong
        unchecked unsafe ushort using virtual void volatile while]],
    D = [[abstract alias align asm assert auto body bool break byte case cast catch cdouble cent cfloat char class const
        continue creal dchar debug default delegate delete deprecated do double else enum export extern false final
        finally float for foreach foreach_reverse function goto idouble if ifloat immutable import in inout int interface
        invariant ireal is lazy long macro mixin module new nothrow null out override package pragma private protected
        public pure real ref return scope shared short static struct super switch synchronized template this throw true
        try typeid typeof ubyte ucent uint ulong union unittest ushort version void wchar while with]],
    Go = [[break case chan const continue default defer else fallthrough for func go goto if import interface map package
        range return select struct switch type var]],
    Java = [[abstract assert boolean break byte case catch char class const continue default do double else enum extends
        final finally float for goto if implements import instanceof int interface long native new package private
        protected public return short static strictfp super switch synchronized this throw throws transient try void
        volatile while true false null]],
    JavaScript = [[arguments await break case catch class const continue debugger default delete do else enum eval export
        extends false finally for function if implements import in instanceof interface let new null package private
        protected public return static super switch this throw true try typeof var void while with yield]],
    Kotlin = [[as break class continue do else false for fun if in interface is null object package return super this
        throw true try typealias typeof val var when while]],
    Lua = [[and break do else elseif end false for function goto if in local nil not or repeat return then true until
        while]],
    Python = [[False None True and as assert async await break class continue def del elif else except finally for from
        global if import in is lambda nonlocal not or pass raise return try while with yield]],
    Ruby = [[BEGIN END alias and begin break case class def defined do else elsif end ensure false for if in module next
        nil not or redo rescue retry return self super then true undef unless until when while yield]],
    Rust = [[abstract as async await become box break const continue crate do dyn else enum extern false final fn for
        gen if impl in let loop macro match mod move mut override priv pub ref return self static struct super trait true
        try type typeof unsafe unsized use virtual where while yield]],
    Swift = [[Any actor as associatedtype break case catch class continue default defer deinit do else enum extension
        fallthrough false fileprivate for func guard if import in init inout internal is let nil open operator private
        precedencegroup protocol public repeat rethrows return self static struct subscript super switch throw throws
        true try typealias var where while]],
    Zig = [[addrspace align allowzero and anyframe anytype asm async await break callconv catch comptime const continue
        defer else enum errdefer error export extern fn for if inline noalias nosuspend opaque or orelse packed pub
        resume return struct suspend switch test threadlocal try union unreachable usingnamespace var volatile while]],
}

-- Functions that may be cancelled at any moment: they lock nothing, allocate nothing, pin nothing and do not wait.
local CANCELLABLE = [[
    cleat_abi_version cleat_version cleat_boringssl_version cleat_boringssl_api cleat_openssl_version_number
    cleat_error_status cleat_error_message cleat_error_library cleat_error_reason cleat_error_verify_message
    cleat_error_filename cleat_strerror cleat_monotonic cleat_handle_count cleat_set_interruptible]]

local failures = 0
local function report(format, ...)
    failures = failures + 1
    io.stderr:write(format:format(...), "\n")
end

local function read(name)
    local file = io.open(root .. "/" .. name, "rb")
    local text = file and file:read "*a"
    if file then file:close() end
    return text
end

local function list(command)
    local lines = {}
    local pipe = assert(io.popen(("cd '%s' && %s"):format(root, command)))
    for line in pipe:lines() do lines[#lines + 1] = line end
    pipe:close()
    return lines
end

local model = headers.read(root)

-- Names.
local folded, aliases = {}, {}
local function check_name(name, where)
    local key = name:lower()
    if ALIASES[name] then
        aliases[name] = true
    elseif folded[key] and folded[key] ~= name then
        report("%s: %s and %s differ by case only", where, name, folded[key])
    else
        folded[key] = name
    end
end
for _, header in ipairs(model.headers) do
    for _, item in ipairs(header.items) do
        for _, one in ipairs(item.constants or { item }) do check_name(one.name, header.name) end
    end
end
for old, new in pairs(ALIASES) do
    if not aliases[old] then report("spec/checks/headers.lua: there is no %s", old) end
    if not folded[new:lower()] then report("spec/checks/headers.lua: there is no %s", new) end
end

-- Parameters.
local keywords = {}
for language, words in pairs(KEYWORDS) do
    for word in words:gmatch "%S+" do keywords[word] = keywords[word] and keywords[word] .. ", " .. language or language end
end
for _, f in ipairs(model.functions) do
    for _, declaration in ipairs(f.declarations) do
        local name = declaration:match "[%w_]+$"
        if keywords[name] then report("%s: %s: the parameter %s is a keyword of %s", f.where, f.name, name, keywords[name]) end
    end
end

-- The version.
local version_h = read "include/cleat/version.h"
local version = version_h:match '#define CLEAT_VERSION_STRING "([^"]*)"'
local numbers = {}
for _, part in ipairs { "MAJOR", "MINOR", "PATCH" } do
    numbers[#numbers + 1] = version_h:match("#define CLEAT_VERSION_" .. part .. " (%d+)\n")
end
if table.concat(numbers, ".") ~= version then
    report("include/cleat/version.h: CLEAT_VERSION_STRING is %s, but the numbers are %s", version, table.concat(numbers, "."))
end
local rockspecs = list "git ls-files '*.rockspec' 2>/dev/null || ls *.rockspec"
for _, name in ipairs(rockspecs) do
    local of_name, of_text = name:match "^cleat%-(.-)%-%d+%.rockspec$", read(name):match 'version = "(.-)%-%d+"'
    if of_name ~= version or of_text ~= version then report("%s: not of version %s", name, version) end
end
if #rockspecs ~= 1 then report("%d rockspecs, not one", #rockspecs) end
if not read "cmake/cleat.pc.in":find "\nVersion: @PROJECT_VERSION@\n" then
    report "cmake/cleat.pc.in: the version is not CMake's"
end
if not read "CHANGELOG.md":find("\n## " .. version:gsub("%.", "%%.")) then
    report("CHANGELOG.md: no heading for %s", version)
end
local releasing = read "docs/releasing.md"
for place, found in pairs {
    ["README.md"] = read "README.md":match "\nVersion (%d+%.%d+)%." == version:match "^%d+%.%d+",
    ["docs/releasing.md"] = releasing:match "| the version, ([%d.]+) |" == version
        and releasing:match "`CLEAT_ABI`, now (%d+) |" == version_h:match "#define CLEAT_ABI (%d+)",
} do
    if not found then report("%s: not of version %s", place, version) end
end
local soname = read "CMakeLists.txt":match "SOVERSION (%d+)"
local PLACES = "README.md docs examples lua script cmake"
local text_files = list("git ls-files " .. PLACES .. " 2>/dev/null || find " .. PLACES .. " -type f")
for _, name in ipairs(text_files) do
    local text = read(name) or ""
    for number in text:gmatch "libcleat%.so%.(%d+)" do
        if number ~= soname then report("%s: libcleat.so.%s, but the soname has %s", name, number, soname) end
    end
    if name == "docs/ffi.md" or name:find "^README" or name:find "^examples/" then
        for other in text:gmatch "cleat (%d+%.%d+%.%d+)" do
            if other ~= version then report("%s: cleat %s, but the version is %s", name, other, version) end
        end
    end
end

-- Interrupted: kinds of calls in spec/c/ (waiting.h) name the function. These are not interruptible:
local DATABASES = {
    cleat_service_port = true, cleat_service_name = true, cleat_protocol_number = true, -- they read the system's databases
}
local interrupted = {}
for _, name in ipairs(list "ls spec/c/*.c") do
    for found in read(name):gmatch '%.function = "([%w_]+)"' do interrupted[found] = true end
end
for _, f in ipairs(model.functions) do
    local waits = not f.guards and not DATABASES[f.name] and meaning.blocks(model, f) ~= "no"
    if waits and not interrupted[f.name] then report("%s: %s can wait, and no kind in spec/c/ interrupts it", f.where, f.name) end
    if interrupted[f.name] and not waits then report("spec/c: %s does not wait", f.name) end
    interrupted[f.name] = nil
end
for name in pairs(interrupted) do report("spec/c: there is no function %s to interrupt", name) end

-- Cancellation: the first statement after the checks of the arguments disables it.
local cancellable = {}
for name in CANCELLABLE:gmatch "%S+" do cancellable[name] = true end
local bodies, locals = {}, {}
for _, name in ipairs(list "ls core/*/*.c") do
    local text = read(name)
    local mine = {}
    for function_name, body in text:gmatch "\n[%w_ ]-int32_t ([%w_]+)%b() (%b{})" do
        bodies[function_name], locals[body] = body, mine
        mine[function_name] = body
    end
    for macro, callee in text:gmatch "\n#define ([%w_]+)%([^)]*%)[%s\\]+([%w_]+)%(" do mine[macro] = "{ return " .. callee .. "(" end
    for macro in text:gmatch "\n#define ([%w_]+)%([^)]*%)[^\n]*\n[^#]-CLEAT_FIND" do mine[macro] = "{ CLEAT_FIND(" end
end
local DISABLES = { "CLEAT_NO_CANCEL%(%)", "CLEAT_FIND%(", "CLEAT_BEGIN%(", "CLEAT_CONTEXT_BEGIN%(",
    "CLEAT_NO_CANCEL_IF%(", "CLEAT_BEGIN_IN_MEMORY%(" }
-- Whether a body disables cancellation, or does nothing but to check arguments and to call one that does.
local function disables(body, mine)
    for _, pattern in ipairs(DISABLES) do
        if body:find(pattern) then return true end
    end
    local rest = body:gsub("CLEAT_CHECK_[%u_]+%b();%s*", "")
    local callee = rest:match "^{%s*return ([%w_]+)%(" or rest:match "^{%s*([%u_]+)%("
    local called = callee and (mine[callee] or bodies[callee])
    return called ~= nil and disables(called, locals[called] or mine)
end
for _, f in ipairs(model.functions) do
    local body = bodies[f.name]
    if not body then
        report("%s: no definition of %s in core", f.where, f.name)
    elseif cancellable[f.name] then
        cancellable[f.name] = nil
    elseif not disables(body, locals[body]) then
        report("%s: %s does not disable cancellation: CLEAT_FIND or CLEAT_NO_CANCEL()", f.where, f.name)
    end
end
for name in pairs(cancellable) do report("spec/checks/headers.lua: %s is exempt and does not exist", name) end

print(("%d functions, %d constants, version %s: %d faults"):format(#model.functions, #model.constants, version, failures))
os.exit(failures == 0)
