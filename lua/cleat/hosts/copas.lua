--- The former name of cleat.adapters.copas.
return require "cleat.adapters.copas"
