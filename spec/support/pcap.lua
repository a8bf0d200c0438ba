-- Writes the bytes that pairs of ends have exchanged as a capture file, as if they had been sent over TCP and IPv4, for
-- programs that read such files. So a test needs no privileges to capture.
local pcap = {}

local CLIENT, SERVER = "\10\0\0\1", "\10\0\0\2"
local CLIENT_PORT, SERVER_PORT = 40000, 443
local MOST = 1400 -- bytes of data in a packet
local ACK, PUSH_ACK, SYN, SYN_ACK, RAW_IP = 0x10, 0x18, 0x02, 0x12, 101

local function big(value, bytes)
    local text = ""
    for _ = 1, bytes do
        text = string.char(value % 256) .. text
        value = math.floor(value / 256)
    end
    return text
end

local function little(value)
    return big(value, 4):reverse()
end

-- add appends the packets of a connection.
local function add(parts, flights, client_port)
    local next_of = { [true] = 1000, [false] = 5000 }
    local function packet(from_client, flags, data)
        local source, target = from_client and CLIENT or SERVER, from_client and SERVER or CLIENT
        local from, to = from_client and client_port or SERVER_PORT, from_client and SERVER_PORT or client_port
        local tcp = big(from, 2) .. big(to, 2) .. big(next_of[from_client], 4)
            .. big(flags == SYN and 0 or next_of[not from_client], 4) .. "\80" .. string.char(flags) .. big(65535, 2)
            .. "\0\0\0\0" .. data
        local ip = "\69\0" .. big(20 + #tcp, 2) .. "\0\0\64\0\64\6\0\0" .. source .. target
        parts[#parts + 1] = little(1700000000) .. little(#parts) .. little(#ip + #tcp) .. little(#ip + #tcp) .. ip .. tcp
        next_of[from_client] = next_of[from_client] + #data + ((flags == SYN or flags == SYN_ACK) and 1 or 0)
    end
    packet(true, SYN, "")
    packet(false, SYN_ACK, "")
    packet(true, ACK, "")
    for _, flight in ipairs(flights) do
        for start = 1, #flight[2], MOST do
            packet(flight[1], PUSH_ACK, flight[2]:sub(start, start + MOST - 1))
        end
    end
end

-- capture: the bytes of a capture file of connections. Each is a list of flights {from_client, bytes}.
function pcap.capture(connections)
    local parts = { little(0xa1b2c3d4) .. "\2\0\4\0" .. little(0) .. little(0) .. little(65535) .. little(RAW_IP) }
    for index, flights in ipairs(connections) do
        add(parts, flights, CLIENT_PORT + index)
    end
    return table.concat(parts)
end

return pcap
