--- Writes examples/ffi/rust/cleat.rs from the document of cleat.json.

local languages = require "generator.languages"
local text = require "generator.text"

local rust = {}

local KEYWORDS = { type = "r#type", match = "r#match", ref = "r#ref", ["in"] = "r#in", use = "r#use", move = "r#move" }

---@param name string
---@return string
local function identifier(name)
    return KEYWORDS[name] or name
end

local TYPES = {
    { "^const char %*", "*const c_char" }, { "^char %*", "*mut c_char" }, { "^const int32_t %*", "*const i32" },
    { "^int32_t %*", "*mut i32" }, { "^double %*", "*mut f64" }, { "^int32_t ", "i32" }, { "^double ", "f64" },
}

--- "const char *host" -> "host: *const c_char"
---@param declaration string
---@return string
local function raw_parameter(declaration)
    for _, entry in ipairs(TYPES) do
        local name, count = declaration:gsub(entry[1], "")
        if count > 0 then
            return ("%s: %s"):format(identifier(name), entry[2])
        end
    end
    error("no type for " .. declaration)
end

--- Types of inputs, of outputs that are parameters, and of results.
local INPUTS = {
    fd = "RawFd", boolean = "bool", constant = "i32", flags = "i32", count = "i32", number = "i32", seconds = "f64", time = "f64", text = "&str",
    path = "&str", bytes = "&[u8]",
}
local RESULTS = { boolean = "bool", count = "usize", fd = "RawFd", seconds = "f64", time = "f64" }

---@param what table a result or an output
---@return string type
---@return string form of the expression, with %s for the value in C
local function converted(what)
    if what.kind == "id" then
        local kind = languages.camel(what.of)
        if what.none then
            return ("Option<%s>"):format(kind), ("Some(%s(%%s)).filter(|object| object.0 != 0)"):format(kind)
        end
        return kind, kind .. "(%s)"
    elseif what.kind == "boolean" then
        return "bool", "%s != 0"
    elseif what.kind == "count" then
        return "usize", "%s as usize"
    end
    return RESULTS[what.kind] or "i32", "%s"
end

---@param out fun(format: string, ...)
---@param place cleat.Place
---@param indent string
local function wrapper(out, place, indent)
    local f = place.f
    local inputs, arguments, before, types, values = {}, {}, {}, {}, {}
    local buffer
    if f.result.kind ~= "ok" and f.result.kind ~= "length" then
        local kind, form = converted(f.result)
        types[1], values[1] = kind, form:format("result")
    end
    for i, p in ipairs(f.parameters) do
        local name = identifier(p.name)
        if place.method and i == 1 then
            inputs[1], arguments[1] = "&self", "self.0"
        elseif p.array then
            local mutable = p.direction == "out"
            inputs[#inputs + 1] = ("%s: %s[i32]"):format(name, mutable and "&mut " or "&")
            arguments[#arguments + 1] = ("%s.%s()"):format(name, mutable and "as_mut_ptr" or "as_ptr")
            arguments[#arguments + 1] = ("c_len(%s.len())"):format(name)
        elseif p.full_length then
            buffer = p
            types[#types + 1] = p.kind ~= "bytes" and "String" or "Vec<u8>"
            values[#values + 1] = p.kind ~= "bytes" and "utf8(out)" or "out"
            arguments[#arguments + 1], arguments[#arguments + 2] = "out", "out_cap"
        elseif p.direction == "out" and p.size then
            inputs[#inputs + 1] = name .. ": &mut [u8]"
            arguments[#arguments + 1] = ("%s.as_mut_ptr().cast()"):format(name)
            arguments[#arguments + 1] = ("c_len(%s.len())"):format(name)
        elseif p.direction == "out" then
            local kind, form = converted(p)
            before[#before + 1] = ("let mut %s = %s;"):format(name, (p.kind == "seconds" or p.kind == "time") and "0.0" or "0")
            arguments[#arguments + 1] = "&mut " .. name
            types[#types + 1], values[#values + 1] = kind, form:format(name)
        elseif p.size then
            local kind = INPUTS[p.kind]
            inputs[#inputs + 1] = ("%s: %s"):format(name, p.absent and ("Option<%s>"):format(kind) or kind)
            local bytes = p.kind == "bytes" and name or name .. ".as_bytes()"
            if p.absent then
                bytes = p.kind == "bytes" and name or ("%s.map(str::as_bytes)"):format(name)
                before[#before + 1] = ("let (%s, %s) = c_pair(%s);"):format(name, p.size, bytes)
                arguments[#arguments + 1], arguments[#arguments + 2] = name, p.size
            else
                arguments[#arguments + 1] = bytes .. ".as_ptr().cast()"
                arguments[#arguments + 1] = ("c_len(%s.len())"):format(name)
            end
        elseif p.kind == "id" then
            inputs[#inputs + 1] = ("%s: &%s"):format(name, languages.camel(p.of))
            arguments[#arguments + 1] = name .. ".0"
        else
            inputs[#inputs + 1] = ("%s: %s"):format(name, INPUTS[p.kind] or error("no type for a " .. p.kind))
            arguments[#arguments + 1] = p.kind == "boolean" and ("%s as i32"):format(name) or name
        end
    end
    local result = #types == 1 and types[1] or ("(%s)"):format(table.concat(types, ", "))
    for _, line in ipairs(languages.lines(f.about, 100)) do
        out("%s///%s", indent, line ~= "" and " " .. line or "")
    end
    out("%s#[allow(clippy::too_many_arguments)]", indent)
    local fallible = f.result.kind ~= "status"
    out(text.wrap(("%spub fn %s("):format(indent, identifier(place.name)), inputs,
        (") -> %s {"):format(fallible and ("Result<%s, Error>"):format(result) or result)))
    for _, line in ipairs(before) do
        out("%s    %s", indent, line)
    end
    local call = ("raw::%s(%s)"):format(f.name, table.concat(arguments, ", "))
    if not fallible then
        out("%s    unsafe { %s }", indent, call)
        out("%s}", indent)
        return
    elseif buffer then
        out("%s    let out = fetched(|out, out_cap| unsafe { %s })?;", indent, call)
    else
        out("%s    let %s = checked(unsafe { %s })?;", indent, f.result.kind == "ok" and "_" or "result", call)
    end
    out("%s    Ok(%s)", indent, #values == 1 and values[1] or ("(%s)"):format(table.concat(values, ", ")))
    out("%s}", indent)
end

local HEAD = [[
//! cleat for Rust: the C functions in `raw`, and over them a type for each kind of object, which closes its id when it
//! is dropped. A status is an `Error`, which has the texts of the failure.
#![allow(dead_code)]

use std::fmt;
use std::os::raw::c_char;
use std::os::unix::io::RawFd;
]]

local MIDDLE = [[

/// What a status says, and the texts of this thread's last failure.
#[derive(Debug, Clone)]
pub struct Error {
    pub status: i32,
    /// WANT_READ, TIMEOUT, VERIFY ...
    pub class: i32,
    pub value: i32,
    pub message: String,
    pub library: String,
    pub reason: String,
    pub verify_message: String,
    pub filename: String,
}

impl Error {
    fn new(status: i32) -> Error {
        let class = -status >> 16;
        let mut error = Error {
            status,
            class,
            value: -status & 0xffff,
            message: String::new(),
            library: String::new(),
            reason: String::new(),
            verify_message: String::new(),
            filename: String::new(),
        };
        if class >= CLOSED {
            // The record is this thread's. No other call comes between: these calls leave it alone.
            let record = |call: unsafe extern "C" fn(*mut c_char, i32) -> i32| {
                utf8(fetched(|out, out_cap| unsafe { call(out, out_cap) }).unwrap_or_default())
            };
            error.message = record(raw::cleat_error_message);
            error.library = record(raw::cleat_error_library);
            error.reason = record(raw::cleat_error_reason);
            error.verify_message = record(raw::cleat_error_verify_message);
            error.filename = record(raw::cleat_error_filename);
        }
        error
    }

    /// Whether the call would block or needs something: it is to be made again.
    pub fn is_event(&self) -> bool {
        self.class < CLOSED
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.is_event() {
            return write!(f, "the call needs an event of class {}", self.class);
        }
        f.write_str(&self.message)?;
        if !self.filename.is_empty() {
            write!(f, ": {}", self.filename)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

fn checked(result: i32) -> Result<i32, Error> {
    if result < 0 {
        return Err(Error::new(result));
    }
    Ok(result)
}

/// A length that does not fit is negative, which cleat refuses (CLEAT_USAGE).
fn c_len(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(-1)
}

fn c_pair(bytes: Option<&[u8]>) -> (*const c_char, i32) {
    match bytes {
        Some(bytes) => (bytes.as_ptr().cast(), c_len(bytes.len())),
        None => (std::ptr::null(), 0),
    }
}

/// The bytes of a function with a last pair (out, out_cap).
fn fetched(mut call: impl FnMut(*mut c_char, i32) -> i32) -> Result<Vec<u8>, Error> {
    let mut out = vec![0u8; 256];
    loop {
        let full = checked(call(out.as_mut_ptr().cast(), c_len(out.len())))? as usize;
        let fits = full <= out.len();
        out.resize(full, 0);
        if fits {
            return Ok(out);
        }
    }
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
]]

---@param document table
---@return string
function rust.source(document)
    local out = text.writer()
    out(text.banner("//", nil, "from cleat.json"))
    out(HEAD)
    for _, group in ipairs(document.groups) do
        out ""
        for _, line in ipairs(languages.lines(group.about, 100)) do
            out("//%s", line ~= "" and " " .. line or "")
        end
        for _, constant in ipairs(group.constants) do
            if constant.about then
                out("/// %s", constant.about)
            end
            out("pub const %s: i32 = %d;", constant.name:gsub("^CLEAT_", ""), constant.value)
        end
    end
    out ""
    out "/// The C functions as they are."
    out "pub mod raw {"
    out "    use std::os::raw::c_char;"
    out ""
    out '    #[link(name = "cleat")]'
    out '    extern "C" {'
    for _, f in ipairs(document.functions) do
        out(text.wrap(("        pub fn %s("):format(f.name), text.map(f.c, raw_parameter), ") -> i32;"))
    end
    out "    }"
    out "}"
    out(MIDDLE:gsub("\n$", ""))
    local places = languages.places(document)
    for _, kind in ipairs(document.kinds) do
        local name = languages.camel(kind.name)
        out ""
        out("/// The id of an open %s; dropping it closes it.", kind.name)
        out "#[derive(Debug)]"
        out("pub struct %s(i32);", name)
        out ""
        out("impl Drop for %s {", name)
        out "    fn drop(&mut self) {"
        out "        unsafe { raw::cleat_close(self.0) };"
        out "    }"
        out "}"
        out ""
        out("impl %s {", name)
        out "    pub fn id(&self) -> i32 {"
        out "        self.0"
        out "    }"
        for _, place in ipairs(places) do
            if place.kind == kind.name then
                out ""
                wrapper(out, place, "    ")
            end
        end
        out "}"
    end
    for _, place in ipairs(places) do
        if not place.kind then
            out ""
            wrapper(out, place, "")
        end
    end
    return tostring(out)
end

return rust
