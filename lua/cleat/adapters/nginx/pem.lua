--- Client certificates that ngx.ssl has parsed (parse_pem_cert, parse_pem_priv_key). They are objects of nginx's
--- OpenSSL, whose functions write them as PEM for cleat.

local pem = {}

local ffi, openssl

local INFO = 3 -- BIO_CTRL_INFO

-- load declares OpenSSL's functions under other names, because the program may have declared them with other types.
local function load()
    ffi = require "ffi"
    ffi.cdef [[
        void *cleat_nginx_BIO_s_mem(void) __asm__("BIO_s_mem");
        void *cleat_nginx_BIO_new(const void *type) __asm__("BIO_new");
        int cleat_nginx_BIO_free(void *bio) __asm__("BIO_free");
        long cleat_nginx_BIO_ctrl(void *bio, int cmd, long larg, void *parg) __asm__("BIO_ctrl");
        int cleat_nginx_PEM_write_bio_X509(void *bio, void *x509) __asm__("PEM_write_bio_X509");
        int cleat_nginx_PEM_write_bio_PrivateKey(void *bio, void *key, const void *cipher, void *password, int length,
            void *callback, void *argument) __asm__("PEM_write_bio_PrivateKey");
        int cleat_nginx_OPENSSL_sk_num(const void *stack) __asm__("OPENSSL_sk_num");
        void *cleat_nginx_OPENSSL_sk_value(const void *stack, int index) __asm__("OPENSSL_sk_value");
    ]]
    openssl = ffi.C
end

-- written calls write(bio), and returns the text in the BIO; nil if it fails.
local function written(write)
    local bio = openssl.cleat_nginx_BIO_new(openssl.cleat_nginx_BIO_s_mem())
    if bio == nil then
        return nil
    end
    local text
    if write(bio) then
        local place = ffi.new "char *[1]"
        local size = tonumber(openssl.cleat_nginx_BIO_ctrl(bio, INFO, 0, place))
        text = size > 0 and ffi.string(place[0], size) or nil
    end
    openssl.cleat_nginx_BIO_free(bio)
    return text
end

local function chain_text(chain)
    return written(function(bio)
        local count = openssl.cleat_nginx_OPENSSL_sk_num(chain)
        for index = 0, count - 1 do
            if openssl.cleat_nginx_PEM_write_bio_X509(bio, openssl.cleat_nginx_OPENSSL_sk_value(chain, index)) ~= 1 then
                return false
            end
        end
        return count > 0
    end)
end

local function key_text(key)
    return written(function(bio)
        return openssl.cleat_nginx_PEM_write_bio_PrivateKey(bio, key, nil, nil, 0, nil, nil) == 1
    end)
end

--- certificate returns {chain, key} as PEM texts, or nil and an error.
---@param chain any
---@param key any
---@return table?, string?
function pem.certificate(chain, key)
    if type(chain) == "string" and type(key) == "string" then
        return { chain = chain, key = key, name = key .. chain }
    elseif type(chain) ~= "cdata" then
        return nil, "bad cert arg: cdata expected, got " .. type(chain)
    elseif type(key) ~= "cdata" then
        return nil, "bad pkey arg: cdata expected, got " .. type(key)
    end
    if not ffi then
        load()
    end
    local certificates, private = chain_text(chain), key_text(key)
    if not certificates then
        return nil, "invalid client certificate chain"
    elseif not private then
        return nil, "ssl set client private key failed"
    end
    return { chain = certificates, key = private, name = private .. certificates }
end

return pem
