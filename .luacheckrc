-- The same files run on Lua 5.4 and on LuaJIT.
std = "lua54+luajit"
max_line_length = 140 -- comments are prose, as in the C sources
cache = false
exclude_files = { "lua/cleat/types" } -- annotations for editors; no module requires them
files["spec"] = { std = "+busted" }
-- parts of an interface are often the same function with arguments it does not need
ignore = { "212/self" }
