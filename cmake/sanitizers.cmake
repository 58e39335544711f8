# ASSAY_SANITIZE=address turns on ASan and UBSan, =thread turns on TSan.
if(ASSAY_SANITIZE STREQUAL "address")
  # Debian's CAF 0.17.6 forms null references inside its own spawn templates; our code never does.
  set(assay_sanitizer_flags -fsanitize=address,undefined -fno-sanitize=null
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(ASSAY_SANITIZE STREQUAL "thread")
  set(assay_sanitizer_flags -fsanitize=thread -fno-omit-frame-pointer)
elseif(NOT ASSAY_SANITIZE STREQUAL "")
  message(FATAL_ERROR "ASSAY_SANITIZE is '${ASSAY_SANITIZE}'; use address, thread or leave it empty")
endif()
if(assay_sanitizer_flags)
  add_compile_options(${assay_sanitizer_flags})
  add_link_options(${assay_sanitizer_flags})
endif()
