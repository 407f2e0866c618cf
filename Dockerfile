# syntax=docker/dockerfile:1
# The image holds one static binary: no shell, no libc, no root.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w" -o /grantkeeper .

FROM scratch
LABEL org.opencontainers.image.source=https://github.com/grantkeeper/grantkeeper \
      org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /grantkeeper /grantkeeper
USER 65532:65532
ENTRYPOINT ["/grantkeeper"]
