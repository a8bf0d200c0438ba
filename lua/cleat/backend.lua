--- The functions of cleat.h as Lua functions, with the same parameters and results on every interpreter.
---
--- A function has its name without `cleat_`. Parameters: int32_t and double become numbers; a pointer with its length
--- becomes one string or nil, or one array of integers; a capacity remains; output pointers are omitted. Results: a
--- negative status is returned alone; otherwise the result is followed by the values of the output pointers, in the
--- order of the parameters. An argument of the wrong type raises a string. NAME_into stores bytes in a buffer instead
--- of returning a string; NAME_from sends the bytes of a string or buffer from an offset on (counted from 0).
---
--- A function that makes an id (CLEAT_NEW_ID in the headers) also has a form NAME_guarded, which returns the guard of
--- each id as its last results: `local id, guard = C.socket_new_guarded(…)`, `local _, data, sender, guard =
--- C.socket_recvfrom_guarded(…)`. The guard is made before the id, and the ABI stores the id in it, so that no error
--- can leak the id, not even one that a debug hook raises between two instructions. An id without a guard must be
--- closed with C.close; the Lua layer uses the guarded forms only.
---
--- The functions are generated. ffi_abi.lua documents the parameters and results of each.

---@class cleat.backend.Buffer bytes at a fixed address, which are overwritten with zeros when it is garbage-collected

---@class cleat.backend.Guard closes an id when it is garbage-collected

---@class cleat.backend
---@field name "native"|"ffi"
---@field const cleat.const
---@field buffer_new fun(size: integer): cleat.backend.Buffer filled with zeros
---@field buffer_size fun(buffer: cleat.backend.Buffer): integer
---@field buffer_get fun(buffer: cleat.backend.Buffer, offset: integer, length: integer): string
---@field buffer_set fun(buffer: cleat.backend.Buffer, offset: integer, data: string)
---@field guard_new fun(id: integer): cleat.backend.Guard if its allocation fails, the id is closed
---@field guard_set fun(guard: cleat.backend.Guard, id: integer) makes the guard own another id, without allocating
--- memory
---@field guard_close fun(guard: cleat.backend.Guard): integer closes the id, and returns the result of cleat_close, 0
--- if it was closed before
---@field guard_release fun(guard: cleat.backend.Guard) makes the guard own no id, without closing it
---@field fast_method (fun(name: string, method: function, rest: function, want_read: any, buffers: table): function)?
--- makes a method of SSLSocket in C, if the backend supports it: see native_io.c
---@field proxy_new fun(metatable: table): any a userdata with this metatable, or on LuaJIT with a copy of it
---@field [string] function
local backend

-- The native module exists for Lua 5.1 to 5.5. LuaJIT uses its FFI, or the native module for Lua 5.1 if CLEAT_BACKEND
-- is "native".
local VERSIONS = { ["Lua 5.1"] = true, ["Lua 5.2"] = true, ["Lua 5.3"] = true, ["Lua 5.4"] = true, ["Lua 5.5"] = true }

local is_luajit = type(package.loaded.jit) == "table"
local chosen = os and os.getenv "CLEAT_BACKEND" or ""
if chosen ~= "" and chosen ~= "native" and chosen ~= "ffi" then
    error(("cleat.backend: the environment variable CLEAT_BACKEND must be native or ffi, not %s"):format(chosen), 0)
elseif chosen == "ffi" and not is_luajit then
    error(("cleat.backend: CLEAT_BACKEND=ffi needs LuaJIT; this is %s"):format(_VERSION), 0)
elseif is_luajit and chosen ~= "native" then
    backend = require "cleat.backend.ffi"
elseif VERSIONS[_VERSION] then
    backend = require "cleat.backend.native"
else
    error(("cleat needs Lua 5.1 to 5.5 or LuaJIT; this is %s"):format(_VERSION), 0)
end

backend.const = require "cleat.backend.constants"

return backend
