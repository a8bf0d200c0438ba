--- `ssl.config`.
return require("cleat.luasec.config").public
