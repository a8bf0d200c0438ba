-- cleat cert: its output for the certificates of pki.sh, compared with openssl's, its checks and its errors. And the
-- common part of all commands: help, versions, output, exit statuses.
local optional = require "support.optional"

local missing = optional.module("argparse", "lua-argparse")
if missing then
    return pending("cleat cert: " .. missing, function() end)
end

local command = require "support.command"
local pki = require "support.pki"
local process = require "support.process"

local unpack = table.unpack or unpack
local expect_text = command.expect_text

local function show(name, ...)
    return command.json(command.expect(0, { "cert", "--json", pki.path(name), ... }).output)
end

describe("cleat cert", function()
    teardown(process.cleanup)

    it("prints the values that openssl prints", function()
        local facts = show "fancy.crt"
        assert.are.equal(1, #facts)
        facts = facts[1]
        local openssl = process.run { "openssl", "x509", "-in", pki.path "fancy.crt", "-noout", "-fingerprint", "-sha256",
            "-serial", "-dates", "-dateopt", "iso_8601", "-subject", "-nameopt", "rfc2253,utf8" }.output
        assert.are.equal(openssl:match "Fingerprint=(%S+)":gsub(":", ""):lower(), facts.sha256)
        assert.are.equal(openssl:match "serial=(%S+)", facts.serial)
        assert.are.equal(openssl:match "notBefore=(%S+ %S+)":gsub(" ", "T"), facts.not_before)
        assert.are.equal(openssl:match "notAfter=(%S+ %S+)":gsub(" ", "T"), facts.not_after)
        expect_text(facts.subject, "CN=www.python.test, OU=Web+OU=Servers, O=Python Software Foundation, L=Wolfebörö")
        assert.are.same({ "DNS", "www.python.test" }, facts.names[1])
        assert.are.same({ "DirName", "CN=A directory, C=US" }, facts.names[7])
        assert.are.same({ "http://ocsp.cleat.test" }, facts.ocsp)
        assert.are.same({ "http://crl3.cleat.test/ev-server-g1.crl", "http://crl4.cleat.test/ev-server-g1.crl" }, facts.crl)
        assert.are.same({ type = "EC", bits = 256, curve = "prime256v1" }, facts.key)
        assert.is_false(facts.ca)
        assert.is_true(facts.valid_now)
        assert.is_nil(facts.key_usage)
    end)

    it("describes chains, RSA keys, expired and future certificates, and version 1", function()
        local chain = show "server-rsa.pem"
        assert.are.equal(2, #chain)
        assert.are.same({ type = "RSA", bits = 2048 }, chain[1].key)
        assert.are.same({ "digitalSignature", "keyEncipherment" }, chain[1].key_usage)
        assert.are.same({ "serverAuth" }, chain[1].extended_key_usage)
        assert.is_true(chain[2].ca and not chain[2].self_issued)
        assert.are.equal(chain[1].issuer, chain[2].subject)
        local expired, future = show "expired.crt"[1], show "future.crt"[1]
        assert.are.equal("2020-02-01T00:00:00Z", expired.not_after)
        assert.is_true(expired.days_left < -2000 and not expired.valid_now)
        assert.are.equal("2040-01-01T00:00:00Z", future.not_before)
        assert.is_false(future.valid_now)
        assert.are.equal(1, show "v1.crt"[1].version)
        assert.is_true(show "root.crt"[1].self_issued)
    end)

    it("reads PEM between text, DER of one or several certificates, and standard input, and prints PEM", function()
        assert.are.equal(3, #show "with-text.pem" + #show "root.der")
        assert.are.equal(2, #show "roots.der")
        local result = command.expect(0, { "cert", "--pem", "-", stdin = pki.read "server-ec.pem" })
        assert.are.equal(pki.read "server-ec.pem", result.output)
    end)

    it("prints control characters in names as escapes", function()
        local result = command.expect(0, { "cert", pki.path "nul.crt" })
        expect_text(result.output, "altnull.python.org\\x00example.com")
        assert.is_nil(result.output:find "[%z\27]")
    end)

    it("prints invalid UTF-8 as escapes, and as Latin-1 characters in JSON", function()
        local output, json = require "cleat.cli.output", require "cleat.cli.json"
        for text, expected in pairs {
            ["\27[31m"] = "\\x1b[31m", ["\194\155A"] = "\\xc2\\x9bA", ["\155\255"] = "\\x9b\\xff", ["\195\182"] = "\195\182",
            ["\195"] = "\\xc3", ["\127\n"] = "\\x7f\\x0a", ["\226\130\172"] = "\226\130\172",
            ["a\226\128\174b"] = "a\\xe2\\x80\\xaeb", -- right-to-left override
            ["\224\130\155"] = "\\xe0\\x82\\x9b", ["\237\160\128"] = "\\xed\\xa0\\x80", -- U+009B in 3 bytes; a surrogate
            ["\240\159\148\146"] = "\240\159\148\146", ["\244\144\128\128"] = "\\xf4\\x90\\x80\\x80", -- above U+10FFFF
        } do
            assert.are.equal(expected, output.safe(text))
        end
        local value = { ["a\"b"] = "\0\27\\\252\195\182", list = json.array {}, t = true, n = -1.5, i = 2 ^ 40, nested = { { x = 1 } } }
        assert.are.equal([["\u009bA\u202e\u061c\u2028\u009b"]], json.encode "\194\155A\226\128\174\216\156\226\128\168\194\155")
        assert.are.equal([["\u009b31m"]], json.encode "\15531m") -- Latin-1
        for _, one_line in ipairs { true, false } do
            assert.are.same({ ["a\"b"] = "\0\27\\\195\188\195\131\194\182", list = {}, t = true,
                n = -1.5, i = 2 ^ 40, nested = { { x = 1 } } },
                command.json(json.encode(value, one_line)))
        end
    end)

    it("prints a comma in a name as an escape: it does not separate two names", function()
        local certificate = require "cleat.cli.certificate"
        assert.are.equal("a\\, b, IP Address:::1, DirName:CN=A, C=B", certificate.list { { "DNS", "a, b" }, { "IP Address", "::1" },
            { "DirName", "CN=A, C=B" } })
    end)

    it("reads files with many PEM blocks that do not end in linear time", function()
        local name = process.write_file(process.directory() .. "/endless.pem", ("-----BEGIN A-----\n"):rep(200000)
            .. pki.read "root.pem" .. ("-----BEGIN CERTIFICATE-----\n"):rep(200000))
        assert.are.equal(1, #command.json(command.expect(0, { "cert", "--json", name }).output))
    end)

    it("--key reports a key of another certificate or of another type", function()
        local cert, key = pki.chain "server-ec"
        command.expect(0, { "cert", cert, "--key", key })
        expect_text(command.expect(1, { "cert", cert, "--key", pki.path "root.key" }).errors,
            "does not belong to the certificate of CN=localhost, O=cleat tests")
        expect_text(command.expect(1, { "cert", cert, "--key", pki.path "rsa.key" }).errors, "is of another type")
        expect_text(command.expect(2, { "cert", cert, "--key", cert }).errors, "--key: [PEM: NO_START_LINE]")
    end)

    it("--host and --warn-days decide the status", function()
        command.expect(0, { "cert", pki.path "server-ec.pem", "--host", "www.cleat.test", "--warn-days", "2" })
        local result = command.expect(1, { "cert", pki.path "expired.pem", "--host", "example.org", "--warn-days", "2" })
        expect_text(result.errors, "cleat cert: the certificate of CN=localhost, O=cleat tests is not for example.org\n")
        expect_text(result.errors, "has expired ")
        command.expect(1, { "cert", pki.path "server-ec.pem", "--warn-days", "31" })
    end)

    it("reports files that it cannot read or parse", function()
        for name, expected in pairs {
            ["junk.pem"] = "contains no certificate in PEM or DER", ["empty.pem"] = "is empty",
            ["bad.pem"] = "certificate 1: [PEM: BAD_BASE64_DECODE]", ["ec.key"] = "contains no certificate",
            ["missing.pem"] = "No such file or directory", ["capath"] = "Is a directory",
        } do
            local result = command.expect(2, { "cert", pki.path(name) })
            expect_text(result.errors, expected)
            assert.are.equal("", result.output)
        end
    end)
end)

describe("cleat", function()
    teardown(process.cleanup)

    it("has --help for each command, --version and completions", function()
        expect_text(command.expect(0, { "--help" }).output, "inspect")
        expect_text(command.expect(0, {}).output, "Usage: cleat")
        for _, name in ipairs { "connect", "inspect", "serve", "cert" } do
            local help = command.expect(0, { name, "--help", environment = { "COLUMNS=60" } }).output
            expect_text(help, "Usage: cleat " .. name)
            expect_text(help, "Exit status:")
            for line in help:gmatch "[^\n]+" do
                assert.is_true(#line <= 64, line) -- the line of an option may be longer
            end
        end
        assert.is_truthy(command.expect(0, { "--version" }).output:find "^cleat %d+%.%d+%.%d+ %(BoringSSL, API %d+, Lua")
        expect_text(command.expect(0, { "completion", "bash" }).output, "complete -F")
    end)

    it("refuses misspelt commands and options, with the exit status of the command", function()
        expect_text(command.expect(2, { "conect" }).errors, "Did you mean 'connect'?")
        expect_text(command.expect(2, { "cert", "--hots", "a", "b" }).errors, "Did you mean '--host'?")
        expect_text(command.expect(3, { "inspect", "--jsno", "a" }).errors, "Did you mean '--json'?")
        expect_text(command.expect(3, { "inspect" }).errors, "Usage: cleat inspect")
        expect_text(command.expect(3, { "inspect", "https://a/" }).errors, "is a URL")
        expect_text(command.expect(3, { "inspect", "a", "--cafile", "/nowhere" }).errors, "--cafile: [Errno 2]")
    end)

    it("uses colours and the width of a terminal, and no colours with NO_COLOR", function()
        local words = process.lua { "bin/cleat", "cert", pki.path "expired.crt" }
        local function in_terminal(...)
            local all = { "/usr/bin/python3", "-I", "-c", [[
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
data = b""
try:
    while True:
        piece = os.read(fd, 65536)
        if not piece: break
        data += piece
except OSError:
    pass
sys.stdout.buffer.write(data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))]], "env", "TERM=xterm", ... }
            for _, word in ipairs(words) do
                all[#all + 1] = word
            end
            local result = process.run(all)
            assert.are.equal(0, result.status, result.output .. result.errors)
            return result.output
        end
        local output = in_terminal()
        expect_text(output, "\27[31mhas expired")
        for line in output:gsub("\27%[%d*m", ""):gmatch "[^\r\n]+" do
            assert.is_true(#line <= 60 or line:find "%x+$" ~= nil, line) -- a digest cannot be wrapped
        end
        assert.is_nil(in_terminal("NO_COLOR=1"):find("\27", 1, true))
        assert.is_nil(in_terminal("TERM=dumb"):find("\27", 1, true))
        assert.is_nil(command.run({ "cert", pki.path "expired.crt" }).output:find("\27", 1, true))
    end)

    it("ends if its output is closed, with and without SIGPIPE", function()
        local words = process.lua { "bin/cleat", "cert", pki.path "server-ec.pem", pki.path "roots.pem", pki.path "fancy.crt" }
        for trap, status in pairs { ["trap - PIPE"] = 141, ["trap '' PIPE"] = 1 } do
            local result = process.run { "bash", "-c", trap .. '; { "$@"; echo "status $?" >&2; } | :', "bash", unpack(words) }
            assert.are.equal(("status %d\n"):format(status), result.errors)
        end
    end)

    it("prints control characters of the command line and of file names as escapes", function()
        for _, words in ipairs { { "cert", "\27]0;a\7" }, { "\27]0;a\7" }, { "connect", "\27]0;a\7:0" }, { "cert", "--\27]0;a\7", "a" } } do
            local result = command.expect(2, words)
            expect_text(result.errors, "\\x1b]0;a\\x07")
            assert.is_nil((result.output .. result.errors):find "[\27\7]")
        end
        local name = process.write_file(process.directory() .. "/\27c.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
        expect_text(command.expect(2, { "cert", name }).errors, "/\\x1bc.pem: certificate 1: ")
    end)

    it("reports that its output cannot be written: a full disk, a closed descriptor", function()
        local words = process.lua { "bin/cleat", "cert", pki.path "server-ec.pem" }
        for redirection, expected in pairs { [">/dev/full"] = "No space left on device", [">&-"] = "Bad file descriptor" } do
            local result = process.run { "bash", "-c", '"$@" ' .. redirection, "bash", unpack(words) }
            assert.are.equal(1, result.status)
            assert.are.equal("cleat cert: cannot write to the standard output: " .. expected .. "\n", result.errors)
        end
    end)

    it("says what to install if argparse is missing", function()
        local script = process.write_file(process.directory() .. "/without.lua",
            'package.preload.argparse = function() error "there is none" end\n'
            .. 'os.exit(require("cleat.cli.main").run { "--version" }, true)\n')
        local result = process.run(process.lua { script })
        assert.are.equal(2, result.status)
        expect_text(result.errors, "install lua-argparse (Debian), or run `luarocks install argparse`")
    end)
end)
