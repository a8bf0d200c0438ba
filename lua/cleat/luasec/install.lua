--- `lua -lcleat.luasec.install program.lua`: LuaSec's modules for a program that is not edited.

return require("cleat.luasec").install()
