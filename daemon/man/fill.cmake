# OUT is IN with the program's --help, as roff, for @USAGE@, and its version.
execute_process(COMMAND ${PROGRAM} --help OUTPUT_VARIABLE USAGE COMMAND_ERROR_IS_FATAL ANY)
# The first line is the NAME of the page.
string(REGEX REPLACE "^[^\n]*\n\n" "" USAGE "${USAGE}")
string(REPLACE "\\" "\\e" USAGE "${USAGE}")
string(REPLACE "-" "\\-" USAGE "${USAGE}")
string(REPLACE "\n." "\n\\&." USAGE "${USAGE}")
string(REPLACE "\n'" "\n\\&'" USAGE "${USAGE}")
configure_file(${IN} ${OUT} @ONLY)
