--- The former name of cleat.adapters.luasocket.
return require "cleat.adapters.luasocket"
