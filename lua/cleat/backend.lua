--- The functions of cleat.h as Lua functions, the same on every interpreter.
---
--- A function keeps its name without `cleat_`. An int32_t or double parameter is a number; a pointer with its length is
--- one string or nil, or an array of integers; a capacity stays (an `out` needs none); the other output parameters are
--- results. A result below 0 is a status and comes alone; otherwise the outputs follow it, in the order of the
--- parameters. An argument of another type raises a string. NAME_into fills a buffer in place of making a string,
--- NAME_from sends from a string or buffer behind an offset (from 0).
---
--- A function that makes an id (CLEAT_NEW_ID in the headers) has a form NAME_guarded, whose last results are the guards
--- of the ids: `local id, guard = C.socket_new_guarded(…)`, `local _, data, sender, guard =
--- C.socket_recvfrom_guarded(…)`. The guard is made before the id, and the ABI stores the id into it, so that no error,
--- not even one that a debug hook raises between two instructions, can lose the id. Without it nothing closes the id
--- but C.close; cleat/ uses the guarded forms only.
---
--- The functions are generated; what they take and give is written at each in ffi_abi.lua.

---@class cleat.backend.Buffer bytes that stay at one place, and are wiped when it is collected

---@class cleat.backend.Guard closes an id when it is collected

---@class cleat.backend
---@field name "native"|"ffi"
---@field const cleat.const
---@field buffer_new fun(size: integer): cleat.backend.Buffer all zero
---@field buffer_size fun(buffer: cleat.backend.Buffer): integer
---@field buffer_get fun(buffer: cleat.backend.Buffer, offset: integer, length: integer): string
---@field buffer_set fun(buffer: cleat.backend.Buffer, offset: integer, data: string)
---@field guard_new fun(id: integer): cleat.backend.Guard if there is no memory for it, the id is closed
---@field guard_hold fun(guard: cleat.backend.Guard, id: integer) the guard is for this id now; it takes no memory
---@field guard_close fun(guard: cleat.backend.Guard): integer the result of cleat_close, 0 if that was done before
---@field guard_forget fun(guard: cleat.backend.Guard) the id is no longer the guard's
---@field fast_method (fun(name: string, method: function, rest: function, want_read: any, buffers: table): function)? where
--- it is there, makes a method of SSLSocket in C: see native_io.c
---@field proxy_new fun(metatable: table): any a userdata with this metatable, or on LuaJIT with a copy of it
---@field [string] function
local backend

-- The native module is compiled for Lua 5.1 to 5.5. LuaJIT uses its FFI, and the module of Lua 5.1 if CLEAT_BACKEND is
-- "native".
local VERSIONS = { ["Lua 5.1"] = true, ["Lua 5.2"] = true, ["Lua 5.3"] = true, ["Lua 5.4"] = true, ["Lua 5.5"] = true }

local is_luajit = type(package.loaded.jit) == "table"
local chosen = os and os.getenv "CLEAT_BACKEND" or ""
if chosen ~= "" and chosen ~= "native" and chosen ~= "ffi" then
    error(("cleat.backend: CLEAT_BACKEND must be native or ffi, not %s"):format(chosen), 0)
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
