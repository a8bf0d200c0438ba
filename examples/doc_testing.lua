-- Python's documentation, 17.3.5.1: testing for SSL support.
pcall(require, "cleat.python") -- gives cleat's modules Python's names, if cleat is there

local supported, ssl = pcall(require, "ssl")
if not supported then
    print("no SSL support")
else
    print(ssl.OPENSSL_VERSION) -- do something that requires SSL support
end
