/*
 * cplusplus.cpp - the same interface from C++17: handles in unique_ptr, errors as exceptions of the
 * program's own.
 */
#include "check.h"
#include "files.h"
#include "zoo_image.h"

#include <array>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

struct CloseSession {
  void operator()(zoo_session *session) const { zoo_close(session); }
};
struct FreeImage {
  void operator()(zoo_image *image) const { zoo_image_free(image); }
};
using Session = std::unique_ptr<zoo_session, CloseSession>;
using Image = std::unique_ptr<zoo_image, FreeImage>;

struct Failure : std::runtime_error {
  zoo_status status;
  explicit Failure(const zoo_error &error) : std::runtime_error(error.message), status(error.status) {}
};

Session open(const std::string &path) {
  zoo_session *session = nullptr;
  zoo_error error;
  if (zoo_open(path.c_str(), nullptr, &session, &error) != ZOO_OK)
    throw Failure(error);
  return Session(session);
}

void run(const std::string &folder) {
  const std::string file = folder + "/tiny.zoo";
  write_model(file.c_str(), TINY_CLASSIFIER, 0);
  Session session = open(file);
  zoo_error error;
  std::array<zoo_prediction, 3> top;
  std::size_t count = top.size();
  CHECK(zoo_run(session.get(), &error) == ZOO_OK);
  CHECK(zoo_top(session.get(), top.data(), &count, &error) == ZOO_OK);
  CHECK(count == 3 && std::string(zoo_metadata(session.get(), "name")) == "tiny");
  CHECK(zoo_argmax(zoo_output(session.get(), 0)) == top[0].index);
  try {
    open(folder + "/none.zoo");
    CHECK(false);
  } catch (const Failure &failure) {
    CHECK(failure.status == ZOO_FILE_NOT_FOUND);
    CHECK(std::string(failure.what()).find("none.zoo") != std::string::npos);
  }
  zoo_image *image = nullptr;
  CHECK(zoo_image_decode("text", 4, nullptr, &image, &error) == ZOO_IMAGE_FORMAT);
  CHECK(Image(image) == nullptr);
  unlink(file.c_str());
}

} // namespace

int main() {
  char folder[200];
  make_folder(folder, sizeof folder);
  run(folder);
  rmdir(folder);
  return check_result("cplusplus");
}
