# <%= machine.triple %> for CMake, which reads this by itself: CMAKE_TOOLCHAIN_FILE names it.
# Format: cmake-toolchains(7), "Cross Compiling for Linux".

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR <%= machine.processor %>)
set(CMAKE_LIBRARY_ARCHITECTURE <%= machine.triple %>)

set(CMAKE_C_COMPILER <%= machine.triple %>-gcc)
set(CMAKE_CXX_COMPILER <%= machine.triple %>-g++)
set(CMAKE_Fortran_COMPILER <%= machine.triple %>-gfortran)
set(PKG_CONFIG_EXECUTABLE /usr/local/bin/<%= machine.triple %>-pkg-config CACHE FILEPATH "")
# What find_package(Python) asks: it runs here, and answers for the other machine.
set(Python_EXECUTABLE /usr/local/bin/<%= machine.triple %>-python3 CACHE FILEPATH "")
set(Python3_EXECUTABLE ${Python_EXECUTABLE} CACHE FILEPATH "")

# Debian has the libraries of all machines below the same root, in directories of their own, so
# there is no other root to look in.
