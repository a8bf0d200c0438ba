-- examples/ffi/cleat.json, as a generator of bindings reads it; docs/ffi.md describes the format.
local process = require "support.process"

local root = process.root

-- The format, as docs/ffi.md has it. The program prints each mistake that it finds.
local CHECK = [==[
import json, re, sys

root = sys.argv[1]
with open(root + "/examples/ffi/cleat.json") as file:
    document = json.load(file)

problems = []
def problem(text):
    problems.append(text)

def fields(where, thing, required, optional=""):
    for name in required.split():
        if name not in thing:
            problem(f"{where}: no {name}")
    for name in thing:
        if name not in required.split() + optional.split():
            problem(f"{where}: what is {name}?")

fields("the document", document, "format version abi_version library conventions headers kinds classes groups functions")
headers = [header["name"] for header in document["headers"]]
kinds = [kind["name"] for kind in document["kinds"]]
classes = [one["name"] for one in document["classes"]]
groups = {group["name"]: group for group in document["groups"]}
constants = {}
for header in document["headers"]:
    fields(header["name"], header, "name about")
for one in document["classes"]:
    fields(one["name"], one, "name value event")
    if one["event"] != (one["value"] < 16):
        problem(one["name"] + ": event?")
for name, group in groups.items():
    fields(name, group, "name header about constants", "flags")
    if group["header"] not in headers:
        problem(name + ": no such header")
    for constant in group["constants"]:
        fields(constant["name"], constant, "name value since", "about")
        constants[constant["name"]] = constant["value"]
for kind in document["kinds"]:
    fields(kind["name"], kind, "name constant")
    if kind["constant"] not in constants:
        problem(kind["name"] + ": no constant")

SCALARS = ["id", "fd", "boolean", "constant", "flags", "number", "seconds", "time"]
def meaning(where, thing, allowed):
    if thing["kind"] not in allowed:
        problem(f"{where}: kind {thing['kind']}")
    if (thing["kind"] == "id") != ("of" in thing) or thing.get("of", "any") not in kinds + ["any"]:
        problem(f"{where}: id of what?")
    if (thing["kind"] in ("constant", "flags")) != ("groups" in thing):
        problem(f"{where}: groups?")
    for name in thing.get("groups", []):
        if name not in groups:
            problem(f"{where}: no group {name}")
        elif groups[name].get("flags", False) != (thing["kind"] == "flags"):
            problem(f"{where}: {name} are flags or not")

def declared(parameter):
    name, kind, direction = parameter["name"], parameter["kind"], parameter["direction"]
    if kind in ("text", "path", "bytes"):
        return [("const char *" if direction == "in" else "char *") + name, "int32_t " + parameter["size"]]
    if parameter.get("array"):
        return [("const int32_t *" if direction == "in" else "int32_t *") + name, "int32_t " + parameter["size"]]
    return [("double " if kind in ("seconds", "time") else "int32_t ") + ("*" if direction == "out" else "") + name]

names = [function["name"] for function in document["functions"]]
for function in document["functions"]:
    name = function["name"]
    fields(name, function, "name header since parameters result blocks classes c about", "guards closes")
    if function["header"] not in headers or function.get("guards", name) not in names:
        problem(name + ": header or guards")
    if not 1 <= function["since"] <= document["abi_version"]:
        problem(name + ": since")
    if function["blocks"] not in ("no", "timeout", "unbounded"):
        problem(name + ": blocks")
    for one in function["classes"]:
        if one not in classes:
            problem(f"{name}: no class {one}")
    if not function["about"].startswith(name + " returns "):
        problem(name + ": about")
    declarations = []
    for parameter in function["parameters"]:
        where = f"{name}({parameter['name']})"
        fields(where, parameter, "name kind direction", "of groups array also size full_length absent")
        meaning(where, parameter, SCALARS + ["text", "path", "bytes"])
        declarations += declared(parameter)
    if declarations != function["c"]:
        problem(f"{name}: {declarations} and {function['c']}")
    fields(name + "()", function["result"], "kind", "of groups none")
    meaning(name + "()", function["result"], SCALARS + ["ok", "length", "count", "status"])
    if (function["result"]["kind"] == "length") != any(p.get("full_length") for p in function["parameters"]):
        problem(name + ": a length without a buffer")
    if "closes" in function and function["closes"] not in [p["name"] for p in function["parameters"]]:
        problem(name + ": closes")

# some of what is known, by hand
KNOWN = {
    "cleat_connection_answer_server_name(alert)": {"kind": "constant", "also": -1, "groups": ["CLEAT_ALERT_DESCRIPTION_*"]},
    "cleat_watch_new(fd)": {"kind": "fd", "also": -1},
    "cleat_context_load_cert_chain(keyfile)": {"kind": "path", "absent": True, "size": "keyfile_len"},
    "cleat_context_load_cert_chain(certfile)": {"kind": "path", "size": "certfile_len"},
    "cleat_connection_version(output)": {"kind": "text", "direction": "out", "full_length": True, "size": "output_cap"},
    "cleat_connection_read(buf)": {"kind": "bytes", "direction": "out", "size": "buf_cap"},
    "cleat_certificate_der(output)": {"kind": "bytes", "direction": "out", "full_length": True, "size": "output_cap"},
    "cleat_socket_recvfrom(sender)": {"kind": "id", "of": "addrinfo", "direction": "out"},
    "cleat_poll(revents)": {"kind": "flags", "groups": ["CLEAT_POLL*"], "direction": "out", "array": True, "size": "revents_cap"},
    "cleat_context_set_options(options)": {"kind": "flags", "groups": ["CLEAT_OP_*"]},
    "cleat_context_set_check_hostname(check)": {"kind": "boolean"},
    "cleat_connection_answer_verify(alert)": {"kind": "constant", "groups": ["CLEAT_VERDICT_*", "CLEAT_ALERT_DESCRIPTION_*"]},
    "cleat_context_set_ticket_secrets(period)": {"kind": "number"}, "cleat_interface_name(number)": {"kind": "number"},
    "cleat_addrinfo_lookup(flags)": {"kind": "flags", "groups": ["CLEAT_NI_*"]},
    "cleat_context_set_early_data(most)": {"kind": "number"},
    "cleat_session_time(time)": {"kind": "time", "direction": "out"},
    "cleat_context_set_verify_time": {"blocks": "no"}, "cleat_service_port": {"result": {"kind": "number"}},
    "cleat_connection_early_data": {"result": {"kind": "constant", "groups": ["CLEAT_EARLY_DATA_*"]}},
    "cleat_connection_signature_algorithm": {"result": {"kind": "constant", "groups": ["CLEAT_SIGNATURE_*"]}},
    "cleat_connection_answer_verify": {"classes": ["CLEAT_HANDLE", "CLEAT_USAGE", "CLEAT_NOMEM"]},
    "cleat_connection_peer_certificate": {"result": {"kind": "id", "of": "certificate", "none": True}, "blocks": "no"},
    "cleat_socket_accept": {"result": {"kind": "id", "of": "socket"}, "blocks": "timeout"},
    "cleat_socket_connect": {"result": {"kind": "ok"}, "blocks": "unbounded"},
    "cleat_watch_new": {"result": {"kind": "id", "of": "watch"}, "blocks": "no"},
    "cleat_close": {"closes": "id"}, "cleat_socket_detach": {"closes": "socket", "result": {"kind": "fd"}},
    "cleat_context_new_guarded": {"guards": "cleat_context_new", "result": {"kind": "id", "of": "context"}},
}
found = {function["name"]: function for function in document["functions"]}
for function in document["functions"]:
    for parameter in function["parameters"]:
        found[f"{function['name']}({parameter['name']})"] = {**parameter, "name": None}
for name, facts in KNOWN.items():
    if "(" in name:
        facts = {"name": None, "direction": "in", **facts}
        if found.get(name) != facts:
            problem(f"{name} is {found.get(name)}")
    elif any(found[name].get(key) != value for key, value in facts.items()):
        problem(f"{name} is not {facts}")

# complete: what the linker exports, and each line of cleat.cdef
with open(root + "/core/cleat.map") as file:
    exported = re.findall(r"^ +(cleat_\w+);", file.read(), re.M)
if sorted(exported) != sorted(names):
    problem(f"exports: {set(exported) ^ set(names)}")
with open(root + "/examples/ffi/cleat.cdef") as file:
    cdef = file.read()
if dict((n, int(v)) for n, v in re.findall(r"int32_t (CLEAT_\w+) = (-?\d+);", cdef)) != constants:
    problem("constants differ from cleat.cdef")
for function in document["functions"]:
    if f"int32_t {function['name']}({', '.join(function['c']) or 'void'});" not in cdef:
        problem(function["name"] + " differs from cleat.cdef")
print("\n".join(problems) or f"{len(names)} functions")
]==]

describe("cleat.json", function()
    teardown(process.cleanup)

    it("has the documented format, and each function, constant and parameter", function()
        local result = process.run { "/usr/bin/python3", "-I", process.write_file(process.directory() .. "/check.py", CHECK), root }
        assert.are.equal("", result.errors)
        assert.is_truthy(result.output:find("^%d+ functions\n$"), result.output)
    end)

    it("is described in docs/ffi.md: each field, and each kind", function()
        local page = process.read_file(root .. "/docs/ffi.md"):match("\n## cleat%.json\n(.-)\n## ")
        local json = process.read_file(root .. "/examples/ffi/cleat.json")
        local seen, count = {}, 0
        for name in json:gmatch('"([%l_]+)": ') do
            seen[name] = true
        end
        for kind in json:gmatch('"kind": "([%l_]+)"') do
            seen[kind] = true
        end
        for name in pairs(seen) do
            assert.is_truthy(page:find("`" .. name .. "`", 1, true), name)
            count = count + 1
        end
        assert.is_true(count > 30)
    end)
end)

-- Headers must state what cannot be derived: the generator raises an error and does not guess.
describe("script/generate", function()
    local copy
    setup(function()
        copy = process.directory() .. "/copy"
        -- without the list of what releases have: these changes break what they promise
        local copying = 'mkdir "$2" && cd "$1" && cp -r --parents include script "$2"'
        assert.are.equal(0, process.run { "sh", "-c", copying, "sh", root, copy }.status)
    end)
    teardown(process.cleanup)

    -- refused: the generator's message for a header that was changed.
    local function refused(header, what, by)
        local name = copy .. "/include/cleat/" .. header
        local text = process.read_file(name)
        local from, to = text:find(what, 1, true)
        assert(from, what)
        process.write_file(name, text:sub(1, from - 1) .. by .. text:sub(to + 1))
        local result = process.run { "lua5.4", copy .. "/script/generate", "--check" }
        process.write_file(name, text)
        assert.are.equal(1, result.status)
        return result.errors
    end

    for about, case in pairs {
        ["bytes that may be absent without CLEAT_ABSENT"] = { "connection.h", "CLEAT_ABSENT const char *server_hostname",
            "const char *server_hostname", "mark the parameter with CLEAT_ABSENT" },
        ["a marker where it has no meaning"] = { "random.h", "(char *", "(CLEAT_ABSENT char *", "CLEAT_ABSENT does not belong to" },
        ["a name that is resolved without CLEAT_MAY_BLOCK"] = { "socket.h", "CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_socket_bind",
            "CLEAT_API int32_t cleat_socket_bind", "cleat_socket_bind may resolve a name: mark it with CLEAT_MAY_BLOCK" },
        ["an integer that could be anything"] = { "handle.h", "cleat_kind(int32_t id)", "cleat_kind(int32_t thing)",
            "what is thing of cleat_kind?" },
        ["a result that could be anything"] = { "handle.h", "returns the CLEAT_KIND_* of", "returns something about",
            'cleat_kind "returns something about an open id"' },
        ["bytes that could be a text"] = { "random.h", "cleat_random_bytes(char *buf, int32_t buf_cap)",
            "cleat_random_bytes(const char *some, int32_t some_len)", "is some of cleat_random_bytes a text, a path or bytes?" },
        ["a group of constants that is not there"] = { "socket.h", "how: CLEAT_SHUT_*", "how: CLEAT_SHUTDOWN_*",
            "CLEAT_SHUTDOWN_*" },
        ["an id or 0 without CLEAT_OR_ZERO"] = { "connection.h", "CLEAT_OR_ZERO ", "", "mark it with CLEAT_OR_ZERO" },
        ["an id that is closed without CLEAT_CLOSES"] = { "socket.h", "(CLEAT_CLOSES ", "(", "mark the parameter with CLEAT_CLOSES" },
        ["an id of no kind"] = { "clock.h", "int32_t cleat_monotonic(double *seconds)",
            "CLEAT_NEW_ID int32_t cleat_monotonic(double *seconds)", "must begin or end with the kind of object" },
    } do
        it("refuses " .. about, function()
            local message = refused(case[1], case[2], case[3])
            assert.is_truthy(message:find(case[4], 1, true), message)
        end)
    end
end)
