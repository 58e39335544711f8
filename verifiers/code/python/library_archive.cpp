#include <Python.h>
#include <sys/mman.h>
#include <unistd.h>

#include "verifiers/code/python/library_archive.h"
#include "verifiers/code/python/python_object.h"

namespace assay::verifiers::python {

namespace {

// Runs in the zygote with `keep` given, before any foreign code exists. Modules without compiled
// code beside them are kept as source and compiled where they are imported.
constexpr const char* kSource = R"python(
import sys, os, marshal
from importlib._bootstrap import ModuleSpec

LEFT_OUT = {
    'test', 'idlelib', 'tkinter', 'turtledemo', 'lib2to3', 'ensurepip', 'distutils', 'venv',
    'site-packages', 'dist-packages', 'ctypes', 'multiprocessing', 'curses', 'dbm', 'wsgiref',
    'xmlrpc', 'pydoc_data', '__pycache__', 'lib-dynload', 'sqlite3', 'turtle.py', 'antigravity.py',
    'webbrowser.py', 'this.py', '__phello__', 'site.py', 'sitecustomize.py',
}

def find_modules(folder, prefix):
    for name in sorted(os.listdir(folder)):
        path = folder + '/' + name
        if name in LEFT_OUT or name.startswith('config-'):
            continue
        if name.endswith('.py'):
            stem = name[:-3]
            yield (prefix + stem if stem != '__init__' else prefix[:-1]), path, stem == '__init__'
        elif os.path.isfile(path + '/__init__.py'):
            yield from find_modules(path, prefix + name + '.')

def read_module(path):
    folder, name = path.rsplit('/', 1)
    compiled = f'{folder}/__pycache__/{name[:-3]}.{sys.implementation.cache_tag}.pyc'
    try:
        with open(compiled, 'rb') as file:
            return file.read()[16:], False
    except OSError:
        with open(path, 'rb') as file:
            return file.read(), True

index, parts, offset = {}, [], 0
for name, path, is_package in find_modules(os.path.dirname(os.__file__), ''):
    if not name:
        continue
    content, is_source = read_module(path)
    index[name] = (offset, offset + len(content), is_package, is_source)
    parts.append(content)
    offset += len(content)
library = keep(b''.join(parts))
del parts

class Library:
    @staticmethod
    def find_spec(name, path=None, target=None):
        entry = index.get(name)
        return entry and ModuleSpec(name, Library, origin='library', is_package=entry[2])
    @staticmethod
    def create_module(spec):
        return None
    @staticmethod
    def exec_module(module):
        begin, end, _, is_source = index[module.__name__]
        content = library[begin:end]
        if is_source:
            code = compile(bytes(content), module.__name__, 'exec')
        else:
            code = marshal.loads(content)
        exec(code, module.__dict__)

sys.meta_path[2:] = [Library]
sys.path_hooks.clear()
sys.path.clear()
sys.path_importer_cache.clear()
)python";

// keep(bytes): a read-only view of a copy that is shared with all children.
PyObject* keep(PyObject*, PyObject* bytes) {
  const auto size = static_cast<std::size_t>(PyBytes_Size(bytes));
  const int file = ::memfd_create("library", MFD_CLOEXEC);
  if (file < 0 || ::write(file, PyBytes_AsString(bytes), size) != static_cast<ssize_t>(size)) {
    return PyErr_SetFromErrno(PyExc_OSError);
  }
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  if (memory == MAP_FAILED) return PyErr_SetFromErrno(PyExc_OSError);
  return PyMemoryView_FromMemory(static_cast<char*>(memory), static_cast<Py_ssize_t>(size),
                                 PyBUF_READ);
}

PyMethodDef keep_method = {"keep", keep, METH_O, nullptr};

}  // namespace

Error python_error(const char* attempt) {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  const Object owned_type(type), owned_value(value), owned_traceback(traceback);
  std::string said = "unknown";
  const Object text(value != nullptr ? PyObject_Str(value) : nullptr);
  const char* words = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  if (words != nullptr) said = words;
  PyErr_Clear();
  return {ErrorCode::kUnavailable, std::string("Python cannot ") + attempt + ": " + said,
          "install libpython3.11 and libpython3.11-stdlib", "", ""};
}

Result<void> keep_library_in_memory() {
  const Object scope(PyDict_New());
  const Object function(PyCFunction_New(&keep_method, nullptr));
  PyDict_SetItemString(scope.get(), "__builtins__", PyEval_GetBuiltins());
  PyDict_SetItemString(scope.get(), "keep", function.get());
  const Object code(Py_CompileString(kSource, "library", Py_file_input));
  const Object done(code ? PyEval_EvalCode(code.get(), scope.get(), scope.get()) : nullptr);
  if (!done) return python_error("keep its library");
  return {};
}

}  // namespace assay::verifiers::python
