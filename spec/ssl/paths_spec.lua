-- The search for a certification path: certificates that sign each other at random, compared with the list of all paths
-- and with openssl's verdict on each.
local attempt = require "support.badssl.attempt"
local certificate = require "support.badssl.certificate"
local handles = require "support.handles"
local paths = require "support.paths"
local process = require "support.process"

-- CLEAT_PATHS="count seed" tests more graphs, from another seed.
local COUNT, SEED = (os.getenv "CLEAT_PATHS" or "60 1"):match "^(%d+) (%d+)$"

describe("paths:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local function writer(world, name)
        local count = 0
        return function(list)
            count = count + 1
            return process.write_file(("%s/%s.%d.pem"):format(world.directory, name, count), paths.pem(list))
        end
    end

    local function describe_path(path)
        local out = {}
        for i, one in ipairs(path) do
            out[i] = ("%s/%s by %s/%s #%s"):format(one.subject, one.key, one.issuer_subject, one.signer, one.serial)
        end
        return table.concat(out, " < ")
    end

    it("a peer is accepted if and only if there is a valid path, whatever else was sent or is trusted", function()
        local world = paths.world(paths.KEYS)
        local graphs = world.sign_all(function()
            local random, list = paths.random(tonumber(SEED) * 7919 + 1), {}
            for i = 1, tonumber(COUNT) do
                list[i] = paths.graph(random)
                certificate.make(world, list[i].leaf)
                for _, one in ipairs(list[i].cas) do
                    certificate.make(world, one)
                end
            end
            return list
        end)
        local commands, asked = {}, {}
        for i, graph in ipairs(graphs) do
            local write = writer(world, "graph" .. i)
            graph.paths, graph.good = paths.all(graph), false
            for _, path in ipairs(graph.paths) do
                commands[#commands + 1] = paths.openssl(graph, path, write) .. " >/dev/null 2>&1 && echo yes || echo no"
                asked[#commands] = { graph = graph, path = path }
            end
            graph.files = { chain = write(graph.sent), trust = write(graph.trust), flags = graph.flags, host = "localhost",
                key = world.directory .. "/leaf.key" }
            -- the first certificate sent is the peer's own
            local sent = { graph.leaf }
            for _, one in ipairs(graph.sent) do
                sent[#sent + 1] = one ~= graph.leaf and one or nil
            end
            graph.files.chain = write(sent)
        end
        local script = process.write_file(world.directory .. "/ask.sh", table.concat(commands, "\n") .. "\n")
        local answers, number = process.run({ "sh", script, timeout = 600 }).output, 0
        for answer in answers:gmatch "%l+" do
            number = number + 1
            local graph, path = asked[number].graph, asked[number].path
            local good = paths.is_good(graph, path)
            if answer == "yes" then
                -- the model accepts the same paths as openssl
                assert(good, "openssl accepts " .. describe_path(path) .. (" flags %x"):format(graph.flags))
            elseif good then
                -- openssl refuses a path only because identifiers are missing
                local lacks = false
                for _, one in ipairs(path) do
                    lacks = lacks or not one.key_id or not one.authority_key_id
                end
                assert(lacks, "openssl refuses " .. describe_path(path) .. (" flags %x"):format(graph.flags))
            end
            graph.good = graph.good or good
        end
        assert.are.equal(#commands, number)
        local accepted, refused = 0, 0
        for i, graph in ipairs(graphs) do
            local result = attempt.handshake(graph.files, "server", 0x0304)
            if result.established then
                accepted = accepted + 1
            else
                refused = refused + 1
            end
            local sent, trusted = describe_path(graph.sent), describe_path(graph.trust)
            local verdict = result.established and "accepted" or "refused: " .. result.failure.message
            assert((result.established or false) == graph.good, ("graph %d, flags %x: %s; %d paths; sent %s; trusted %s"):format(i,
                graph.flags, verdict, #graph.paths, sent, trusted))
        end
        assert.is_true(accepted > #graphs / 10 and refused > #graphs / 10)
    end)
end)
