--- The former name of cleat.adapters.cqueues.
return require "cleat.adapters.cqueues"
