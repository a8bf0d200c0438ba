--- `ssl.context`.
return require("cleat.luasec.context").functions
