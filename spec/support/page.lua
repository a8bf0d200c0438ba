-- The code blocks of a page of the documentation: blocks("docs/https.md", "lua") returns a list of { code, line }, line
-- being the number of its first line.
local pki = require "support.pki"
local process = require "support.process"

local page = {}

function page.blocks(name, language)
    local blocks, lines, number = {}, nil, 0
    for line in (process.read_file(process.root .. "/" .. name) .. "\n"):gmatch("(.-)\n") do
        number = number + 1
        if not lines and line == "```" .. language then
            lines = { line = number + 1 }
        elseif lines and line == "```" then
            blocks[#blocks + 1] = { code = table.concat(lines, "\n") .. "\n", line = lines.line }
            lines = nil
        elseif lines then
            lines[#lines + 1] = line
        end
    end
    assert(not lines, name .. " ends in a block")
    return blocks
end

-- expected_output: the output that a block's comments after "-->" promise.
function page.expected_output(code)
    local texts = {}
    for text in code:gmatch("%-%-> ([^\n]*)") do
        texts[#texts + 1] = text .. "\n"
    end
    return table.concat(texts)
end

-- certificate makes a self-signed certificate of example.org, and returns the files of the certificate and the key.
function page.certificate()
    local certfile, keyfile = process.directory() .. "/example.org.pem", pki.path "ec.key"
    local made = process.run {
        "openssl", "req", "-new", "-x509", "-key", keyfile, "-out", certfile, "-days", "2", "-subj",
        "/C=US/CN=example.org", "-addext", "subjectAltName=DNS:example.org",
    }
    assert(made.status == 0, made.errors)
    return certfile, keyfile
end

return page
