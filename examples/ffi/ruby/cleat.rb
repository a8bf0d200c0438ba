# cleat by Fiddle: declares what cleat.cdef lists. Functions are methods of Cleat without "cleat_", constants have no "CLEAT_".
#
#     require_relative "cleat"
#     context = Cleat.check(Cleat.context_new(Cleat::PROTOCOL_TLS))
require "fiddle"

module Cleat
  TYPES = {
    "int32_t " => Fiddle::TYPE_INT,
    "double " => Fiddle::TYPE_DOUBLE,
    "const char *" => Fiddle::TYPE_VOIDP, # a string, or nil
    "char *" => Fiddle::TYPE_VOIDP, # Cleat.buffer(size), or nil; buffer[0, count] after the call
    "const int32_t *" => Fiddle::TYPE_VOIDP, # [1, 2].pack("l*")
    "int32_t *" => Fiddle::TYPE_VOIDP, # Cleat.buffer(4); buffer[0, 4].unpack1("l") after the call
    "double *" => Fiddle::TYPE_VOIDP, # Cleat.buffer(8); buffer[0, 8].unpack1("d")
  }.freeze

  # Fiddle lets other threads run while a call waits. The record of the last failure is the thread's, and a Ruby thread
  # is one thread of the system.
  LIBRARY = Fiddle.dlopen(ENV["CLEAT_LIBRARY"] || "libcleat.so.0")

  File.foreach(File.join(__dir__, "..", "cleat.cdef")) do |line|
    if (constant = /static const int32_t CLEAT_(\w+) = (-?\d+);/.match(line))
      const_set(constant[1], Integer(constant[2]))
    elsif (function = /int32_t cleat_(\w+)\((.*)\);/.match(line))
      name = function[1]
      parameters = function[2] == "void" ? [] : function[2].split(", ")
      types = parameters.map { |parameter| TYPES.fetch(parameter[/\A(.*?)\w+\z/, 1]) }
      pointer = Fiddle::Function.new(LIBRARY["cleat_#{name}"], types, Fiddle::TYPE_INT)
      define_singleton_method(name) { |*arguments| pointer.call(*arguments) }
    end
  end
  raise LoadError, "the libcleat found is older than cleat.cdef" if abi_version < ABI_VERSION

  # A status, and the text of this thread's last failure.
  class Error < StandardError
    attr_reader :kind, :value # CLEAT_CLASS(status) and CLEAT_VALUE(status)

    def initialize(status)
      @kind = -status >> 16
      @value = -status & 0xffff
      message = Cleat.text(:error_message)
      filename = Cleat.text(:error_filename)
      super(filename.empty? ? message : "#{message}: #{filename}")
    end
  end

  module_function

  # The answer of a call; raises Error if it is a status.
  def check(result)
    raise Error, result if result.negative?

    result
  end

  # Memory that a function fills. (C must not write into a String: Ruby shares its bytes with copies.)
  def buffer(size)
    Fiddle::Pointer.malloc(size, Fiddle::RUBY_FREE)
  end

  # What a function with a last pair (out, out_cap) says.
  def text(name, *arguments)
    room = 256
    loop do
      out = buffer(room)
      length = check(public_send(name, *arguments, out, room))
      return out[0, length].force_encoding(Encoding::UTF_8) if length <= room

      room = length
    end
  end

  # A pair (p, p_len) for a string or nil: Cleat.something(*Cleat.data("text")).
  def data(value)
    [value, value ? value.bytesize : 0]
  end
end
