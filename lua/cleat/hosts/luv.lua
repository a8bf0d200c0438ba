--- The former name of cleat.adapters.luv.
return require "cleat.adapters.luv"
