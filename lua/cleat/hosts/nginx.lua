--- The former name of cleat.adapters.nginx.
return require "cleat.adapters.nginx"
