-- A client for one handshake (run.lua, syscalls): connects to the port that is its argument, and stays until the server
-- closes.
local pair = dofile(arg[0]:match "^(.*/)" .. "pair.lua")
local socket = require "cleat.socket"

local sock = socket.create_connection({ "127.0.0.1", tonumber(arg[1]) }, 30)
local conn = pair.client_context():wrap_socket(sock, { server_hostname = "localhost" })
pcall(conn.recv, conn, 1)
conn:close()
