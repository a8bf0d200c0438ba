--- Writes examples/ffi/java/Cleat.java from the document of cleat.json.

local languages = require "generator.languages"
local text = require "generator.text"

local java = {}

local METHODS = { new = "create", close = "closeId" } -- Java's keywords and methods

---@param snake string
---@return string
local function identifier(snake)
    local name = snake:gsub("_(%w)", string.upper)
    return METHODS[name] or name
end

local RAW = {
    { "^const char %*", "byte[]" }, { "^char %*", "byte[]" }, { "^const int32_t %*", "int[]" }, { "^int32_t %*", "int[]" },
    { "^double %*", "double[]" }, { "^int32_t ", "int" }, { "^double ", "double" },
}

---@param declaration string
---@return string
local function raw_parameter(declaration)
    for _, entry in ipairs(RAW) do
        local name, count = declaration:gsub(entry[1], "")
        if count > 0 then
            return ("%s %s"):format(entry[2], name)
        end
    end
    error("no type for " .. declaration)
end

local INPUTS = { boolean = "boolean", seconds = "double", time = "double", text = "String", path = "String", bytes = "byte[]" }

---@param what table
---@return string type, string form
local function converted(what)
    if what.kind == "id" then
        local kind = languages.camel(what.of)
        return kind, what.none and ("%%s == 0 ? null : new %s(%%s)"):format(kind) or ("new %s(%%s)"):format(kind)
    elseif what.kind == "boolean" then
        return "boolean", "%s != 0"
    elseif what.kind == "seconds" or what.kind == "time" then
        return "double", "%s"
    end
    return "int", "%s"
end

---@param out fun(format: string, ...)
---@param prose string
---@param indent string
local function comment(out, prose, indent)
    out("%s/**", indent)
    for _, line in ipairs(languages.lines(prose:gsub("[&<>@]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["@"] = "&#64;" }), 95)) do
        out("%s *%s", indent, line ~= "" and " " .. line or "")
    end
    out("%s */", indent)
end

---@param out fun(format: string, ...)
---@param place cleat.Place
---@param indent string
local function wrapper(out, place, indent)
    local f = place.f
    local inputs, arguments, before, fields, values, alive = {}, {}, {}, {}, {}, {}
    local buffer
    local function add(kind, form, name, value)
        fields[#fields + 1] = kind .. " " .. name
        values[#values + 1] = form:gsub("%%s", value)
    end
    if f.result.kind ~= "ok" and f.result.kind ~= "length" then
        local kind, form = converted(f.result)
        add(kind, form, "result", "result")
    end
    for i, p in ipairs(f.parameters) do
        local name = identifier(p.name)
        if place.method and i == 1 then
            arguments[1], alive[1] = "id", "this"
        elseif p.array then
            inputs[#inputs + 1] = "int[] " .. name
            arguments[#arguments + 1], arguments[#arguments + 2] = name, name .. ".length"
        elseif p.full_length then
            buffer = p
            add(p.kind ~= "bytes" and "String" or "byte[]", p.kind ~= "bytes" and "utf8(%s)" or "%s", name, "out")
            arguments[#arguments + 1], arguments[#arguments + 2] = "out", "out.length"
        elseif p.direction == "out" and p.size then
            inputs[#inputs + 1] = "byte[] " .. name
            arguments[#arguments + 1], arguments[#arguments + 2] = name, name .. ".length"
        elseif p.direction == "out" then
            local kind, form = converted(p)
            local of_c = kind == "double" and "double" or "int"
            before[#before + 1] = ("%s[] %s = new %s[1];"):format(of_c, name, of_c)
            arguments[#arguments + 1] = name
            add(kind, form, name, name .. "[0]")
        elseif p.size then
            inputs[#inputs + 1] = ("%s %s"):format(INPUTS[p.kind], name)
            local bytes = name
            if p.kind ~= "bytes" then
                bytes = name .. "Bytes"
                before[#before + 1] = ("byte[] %s = bytes(%s);"):format(bytes, name)
            end
            arguments[#arguments + 1], arguments[#arguments + 2] = bytes, ("length(%s)"):format(bytes)
        elseif p.kind == "id" then
            inputs[#inputs + 1] = ("%s %s"):format(languages.camel(p.of), name)
            arguments[#arguments + 1] = name .. ".id"
            alive[#alive + 1] = name
        else
            inputs[#inputs + 1] = ("%s %s"):format(INPUTS[p.kind] or "int", name)
            arguments[#arguments + 1] = p.kind == "boolean" and name .. " ? 1 : 0" or name
        end
    end
    local result = "void"
    if #fields == 1 then
        result = fields[1]:match("^%S+")
    elseif #fields > 1 then
        result = languages.camel(place.name)
        out("%spublic record %s(%s) {}", indent, result, table.concat(fields, ", "))
        out ""
    end
    comment(out, f.about, indent)
    local fallible = f.result.kind ~= "status"
    out(text.wrap(("%spublic %s%s %s("):format(indent, place.method and "" or "static ", result, identifier(place.name)), inputs,
        (")%s {"):format(fallible and " throws Failure" or "")))
    for _, line in ipairs(before) do
        out("%s    %s", indent, line)
    end
    local call = ("Raw.%s(%s)"):format(f.name, table.concat(arguments, ", "))
    if not fallible then
        out("%s    return %s;", indent, call)
        out("%s}", indent)
        return
    elseif buffer then
        out("%s    byte[] out = new byte[256];", indent)
        out("%s    int result = %s;", indent, call)
        out("%s    if (result > out.length) {", indent)
        out("%s        out = new byte[result];", indent)
        out("%s        result = %s;", indent, call)
        out("%s    }", indent)
    else
        out("%s    int result = %s;", indent, call)
    end
    for _, name in ipairs(alive) do
        -- an object that is collected during a call would close its id
        out("%s    Reference.reachabilityFence(%s);", indent, name)
    end
    out("%s    check(result);", indent)
    if buffer then
        out("%s    out = Arrays.copyOf(out, Math.min(result, out.length));", indent)
    end
    if #values == 1 then
        out("%s    return %s;", indent, values[1])
    elseif #values > 1 then
        out("%s    return new %s(%s);", indent, result, table.concat(values, ", "))
    end
    out("%s}", indent)
end

local HEAD = [[

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * cleat for Java, by JNA: the C functions in Raw, and over them a class for each kind of object, which closes its id in
 * close() and, late, when it is collected. A status is a Failure, which has the texts of the failure.
 */
public final class Cleat {
    private Cleat() {}
]]

local MIDDLE = [[

    /** What a status says, and the texts of this thread's last failure. */
    public static final class Failure extends IOException {
        private static final long serialVersionUID = 1;
        public final int status;
        /** WANT_READ, TIMEOUT, VERIFY ... */
        public final int statusClass;
        public final int value;
        public final String library;
        public final String reason;
        public final String verifyMessage;
        public final String filename;

        private Failure(int status, String message, String filename) {
            super(filename.isEmpty() ? message : message + ": " + filename);
            this.status = status;
            this.statusClass = -status >> 16;
            this.value = -status & 0xffff;
            this.library = isEvent() ? "" : record(Raw::cleat_error_library);
            this.reason = isEvent() ? "" : record(Raw::cleat_error_reason);
            this.verifyMessage = isEvent() ? "" : record(Raw::cleat_error_verify_message);
            this.filename = filename;
        }

        /** Whether the call would block or needs something: it is to be made again. */
        public boolean isEvent() {
            return statusClass < CLOSED;
        }
    }

    private interface TextOut {
        int call(byte[] out, int outCap);
    }

    /** The record is this thread's: a Java thread is one thread of the system. */
    private static String record(TextOut function) {
        byte[] out = new byte[512];
        int length = function.call(out, out.length);
        if (length > out.length) {
            out = new byte[length];
            length = function.call(out, out.length);
        }
        return new String(out, 0, Math.max(0, Math.min(length, out.length)), StandardCharsets.UTF_8);
    }

    private static int check(int result) throws Failure {
        if (result >= 0) {
            return result;
        } else if (-result >> 16 < CLOSED) { // an event leaves the record alone
            throw new Failure(result, "the call needs an event of class " + (-result >> 16), "");
        }
        throw new Failure(result, record(Raw::cleat_error_message), record(Raw::cleat_error_filename));
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    private static int length(byte[] bytes) {
        return bytes == null ? 0 : bytes.length;
    }

    private static String utf8(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static final Cleaner CLEANER = Cleaner.create();

    /** An open id. close() may be called more than once, and from any thread; it wakes calls that wait. */
    public abstract static class Id implements AutoCloseable {
        public final int id;
        private final Cleaner.Cleanable cleanable;

        private Id(int id) {
            this.id = id;
            this.cleanable = CLEANER.register(this, () -> Raw.cleat_close(id));
        }

        @Override
        public void close() {
            cleanable.clean();
        }
    }
]]

---@param document table
---@return string
function java.source(document)
    local out = text.writer()
    out(text.banner("//", nil, "from cleat.json"))
    out(HEAD:gsub("\n$", ""))
    for _, group in ipairs(document.groups) do
        out ""
        for _, line in ipairs(languages.lines(group.about, 95)) do
            out("    //%s", line ~= "" and " " .. line or "")
        end
        for _, constant in ipairs(group.constants) do
            if constant.about then
                out("    /** %s */", constant.about)
            end
            out("    public static final int %s = %d;", constant.name:gsub("^CLEAT_", ""), constant.value)
        end
    end
    out ""
    out "    /** The C functions as they are. */"
    out "    public static final class Raw {"
    out "        private Raw() {}"
    out ""
    out "        static {"
    out "            String library = System.getenv(\"CLEAT_LIBRARY\");"
    out('            Native.register(Raw.class, NativeLibrary.getInstance(library != null ? library : "%s"));', document.library)
    out "            if (cleat_abi_version() < ABI) {"
    out "                throw new UnsatisfiedLinkError(\"the libcleat found is older than Cleat.java\");"
    out "            }"
    out "        }"
    out ""
    for _, f in ipairs(document.functions) do
        out(text.wrap(("        public static native int %s("):format(f.name), text.map(f.c, raw_parameter), ");"))
    end
    out "    }"
    out(MIDDLE:gsub("\n$", ""))
    local places = languages.places(document)
    for _, kind in ipairs(document.kinds) do
        local name = languages.camel(kind.name)
        out ""
        out("    /** The id of an open %s. */", kind.name)
        out("    public static final class %s extends Id {", name)
        out("        private %s(int id) {", name)
        out "            super(id);"
        out "        }"
        for _, place in ipairs(places) do
            if place.kind == kind.name then
                out ""
                wrapper(out, place, "        ")
            end
        end
        out "    }"
    end
    for _, place in ipairs(places) do
        if not place.kind then
            out ""
            wrapper(out, place, "    ")
        end
    end
    out "}"
    return tostring(out)
end

return java
