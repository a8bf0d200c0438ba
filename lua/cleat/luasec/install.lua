--- `lua -lcleat.luasec.install program.lua` runs an unmodified program of LuaSec with cleat.

return require("cleat.luasec").install()
