-- Runs the programs of docs/recipes.md.
--
--   recipes.run("SMTP", 1, { ["mail.example.org:587"] = port })    the first program below the heading, to its end
--   recipes.start(...)                                             the same in the background
local pki = require "support.pki"
local process = require "support.process"

local recipes = {}

local PAGE = "docs/recipes.md"

-- blocks: the programs below each heading, in order.
local function read_page()
    local blocks, heading, lines = {}, nil, nil
    for line in (process.read_file(process.root .. "/" .. PAGE) .. "\n"):gmatch "(.-)\n" do
        if not lines and line:find "^##+ " then
            heading = line:match "^##+ (.*)"
            assert(not blocks[heading], heading .. " is there twice")
            blocks[heading] = {}
        elseif not lines and line == "```lua" then
            lines = {}
        elseif lines and line == "```" then
            table.insert(blocks[heading], table.concat(lines, "\n") .. "\n")
            lines = nil
        elseif lines then
            lines[#lines + 1] = line
        end
    end
    return blocks
end

recipes.blocks = read_page()
recipes.used = {}

-- program returns the code of a program, which recipes.unused() then omits.
function recipes.program(heading, number)
    local code = assert(recipes.blocks[heading] and recipes.blocks[heading][number], heading)
    recipes.used[code] = true
    return code
end

function recipes.unused()
    local names = {}
    for heading, blocks in pairs(recipes.blocks) do
        for number, code in ipairs(blocks) do
            if not recipes.used[code] then
                names[#names + 1] = ("%s, %d"):format(heading, number)
            end
        end
    end
    return names
end

-- expected returns the output of a program that its comments promise.
function recipes.expected(code)
    local lines = {}
    for text in code:gmatch "%-%-> ([^\n]*)" do
        lines[#lines + 1] = text .. "\n"
    end
    return table.concat(lines)
end

local MAKE = [[
set -e
cd "$1"
pki=$2
issue() { # NAME HOST,...
    openssl req -new -subj "/CN=${2%%,*}" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr
    printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$(echo "DNS:$2" | sed 's/,/,DNS:/g')" >$1.ext
    openssl x509 -req -in $1.csr -CA "$pki/intermediate.crt" -CAkey "$pki/intermediate.key" -set_serial 0x$(openssl rand -hex 8) \
        -days 2 -extfile $1.ext -out $1.crt
    cat $1.crt "$pki/intermediate.crt" >$1.pem
}
issue privkey example.org,*.example.org
mv privkey.pem fullchain.pem
mv privkey.key privkey.pem
issue expired expired.example.org
openssl x509 -req -in expired.csr -CA "$pki/intermediate.crt" -CAkey "$pki/intermediate.key" -set_serial 0x$(openssl rand -hex 8) \
    -days -1 -extfile expired.ext -out expired.crt
cat expired.crt "$pki/intermediate.crt" >expired.pem
issue renewed renewed.example.org,*.example.org
issue a a.example.org
issue b b.example.org
cp "$pki/client.pem" client.pem
openssl pkcs8 -topk8 -v2 aes-256-cbc -in "$pki/client.key" -passout pass:correct -out client.key
cp "$pki/root.pem" clients-ca.pem
openssl req -x509 -new -days 2 -subj /CN=device.example.org -addext subjectAltName=DNS:device.example.org \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout device.key -out device.pem
]]

-- directory returns the folder in which the programs run. It has the files that the page names, issued by a test CA in
-- place of the system's.
function recipes.directory()
    if not recipes.there then
        recipes.there = process.directory() .. "/recipes"
        os.execute("mkdir " .. recipes.there)
        local made = process.run { "bash", "-c", MAKE, "bash", recipes.there, (pki.path "root.pem"):match "^(.*)/" }
        assert(made.status == 0, made.errors)
    end
    return recipes.there
end

-- command returns the command that runs a program. ports: see support.example_org.
local function command(code, ports)
    local names = {}
    for name, port in pairs(ports) do
        names[#names + 1] = ("[%q] = %d"):format(name, port)
    end
    local preamble = ('require("support.example_org") { %s } '):format(table.concat(names, ", "))
    local directory = recipes.directory()
    recipes.count = (recipes.count or 0) + 1
    local script = process.write_file(("%s/program-%d.lua"):format(directory, recipes.count), preamble .. code)
    local words = process.lua {
        "SSL_CERT_FILE=" .. pki.path "root.pem", "SSL_CERT_DIR=/nowhere", "KEY_PASSWORD=correct",
        "PKCS11_PIN=correct", "SOFTHSM2_CONF=" .. directory .. "/softhsm2.conf",
        "LUA_PATH=" .. directory .. "/?.lua;" .. package.path, script,
    }
    words.directory, words.timeout = directory, 60
    return words
end

local function changed(code, substitute)
    if not substitute then
        return code
    end
    local new, times = code:gsub(substitute[1], substitute[2])
    assert(times > 0, "nothing matches " .. substitute[1])
    return new
end

-- start runs a server, on port ports["0.0.0.0:8443"]. substitute: a pattern in its code, and its replacement.
function recipes.start(heading, number, ports, substitute)
    return process.start(command(changed(recipes.program(heading, number), substitute), ports))
end

-- run runs a program, whose output must be the one of its comments, and returns the result.
function recipes.run(heading, number, ports, substitute)
    local code = recipes.program(heading, number)
    local wanted = recipes.expected(code)
    local result = process.run(command(changed(code, substitute), ports))
    result.output = result.output:gsub(" %(%S+:%d+%)\n", "\n") -- the position in BoringSSL's source
    if result.status ~= 0 or result.output ~= wanted then
        error(("%s, %d: status %d, printed:\n%s%s\nwanted:\n%s"):format(heading, number, result.status, result.output,
            result.errors, wanted), 2)
    end
    return result
end

-- fails runs a program that must fail, and returns its error output; substitute as for start.
function recipes.fails(heading, number, ports, substitute)
    local result = process.run(command(changed(recipes.program(heading, number), substitute), ports))
    assert(result.status ~= 0, "it did not fail")
    return result.errors
end

return recipes
